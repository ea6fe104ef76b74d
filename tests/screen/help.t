# Help comes from the tables and differs by view.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 5 ?
dump 1-21
===
 retail > processes                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
+- Help -----------------------------------------------------------------------+
| Processes: what the supervisor keeps alive; Enter shows the log              |
| r              Restart a process                                             |
| s              Stop the process under the cursor, or start it                |
|                                                                              |
| Everywhere                                                                   |
| Enter          Open the row under the cursor                                 |
| /              Show only rows that contain TEXT; !TEXT hides them            |
| :              Type a command                                                |
| ?              Keys and commands that work here                              |
| q Esc          Go back; in the overview: leave                               |
| 1-8            Show a view                                                   |
| Tab            Next view                                                     |
| S-Tab          Previous view                                                 |
| j Down         One row down                                                  |
| k Up           One row up                                                    |
| h Left         Scroll left (logs)                                            |
| l Right        Scroll right (logs)                                           |
| g Home         First row                                                     |
===
key PgDn PgDn PgDn
dump 3-21
===
+- Help -----------------------------------------------------------------------+
|                                                                              |
| Commands (type : first)                                                      |
| :open                      Open the row under the cursor                     |
| :back                      Go back; in the overview: leave                   |
| :view NAME                 Show a view                                       |
| :filter [TEXT]             Show only rows that contain TEXT; !TEXT hides th~ |
| :sort COLUMN [desc]        Sort by a column                                  |
| :search [TEXT]             Find TEXT in the log                              |
| :follow                    Follow the end of the log, or stop                |
| :wrap                      Wrap long lines of the log, or cut them           |
| :pause                     Stop the feed from moving, or let it go on        |
| :kept [GATE]               Show the rows that failed a gate and were kept    |
| :reason [REASON]           Show anomalies of one reason, the next one each ~ |
| :rerun [NODE [SCOPE]]      Run a node again; shows first what would run      |
| :run-models [SELECTOR]     Build models; shows first what would run          |
| :cancel                    Cancel the run under the cursor                   |
| :restart [PROCESS]         Restart a process                                 |
| :stop-start                Stop the process under the cursor, or start it    |
===
key q
dump 1-3
===
 retail > processes                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 process                    state      pid     restarts       up   memory   cpu
===
