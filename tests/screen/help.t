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
| 1              Show a view: overview                                         |
| 2              Show a view: lag                                              |
| 3              Show a view: runs                                             |
| 4              Show a view: anomalies                                        |
| 5              Show a view: processes                                        |
| 6              Show a view: logs                                             |
| 7              Show a view: alerts                                           |
| 8              Show a view: gates                                            |
===
key PgDn PgDn PgDn
dump 3-21
===
+- Help -----------------------------------------------------------------------+
| o              Sort by the next column                                       |
| O              Reverse the sort order                                        |
| e              Next row that failed or wants a look                          |
| y              Copy the row's id to the terminal's clipboard (OSC 52)        |
| Y              Copy the row, tab-separated                                   |
| C-l            Draw everything again                                         |
| Q              Leave the console; the platform goes on                       |
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
===
key q
dump 1-3
===
 retail > processes                   dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 process                    state      pid     restarts       up   memory   cpu
===
