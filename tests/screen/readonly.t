# --readonly: the keys that change something are gone, from hints and help too.
readonly
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 5
feed processes fixtures/processes.json
dump 1-1
===
 retail (read only) > processes       dev   running  2017-06-15 06:04 UTC  live
===
dump 24-24
===
 Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===
key r s
command restart lag
dump 23-23
===
 restart: this console only reads (--readonly)
===
sent
===
===
key ?
dump 3-10
===
+- Help -----------------------------------------------------------------------+
| Processes: what the supervisor keeps alive; Enter shows the log              |
|                                                                              |
| Everywhere                                                                   |
| Enter          Open the row under the cursor                                 |
| /              Show only rows that contain TEXT; !TEXT hides them            |
| :              Type a command                                                |
| ?              Keys and commands that work here                              |
===
key q :
type re
dump 16-24
===





  reason [REASON]                 Show anomalies of one reason, the next one ea~
  repaint                         Draw everything again
:re
 Enter run   Tab complete   Up/Down choose   Esc cancel
===
