# Enter on every fresh dialog does nothing; Esc and q neither; the other button sends once.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
answer rerun.plan {"items":[{"kind":"run","name":"dim_stores","why":"requested"}],"skipped":[],"text":["1 to run: 1 model"]}
answer run.plan {"items":[{"kind":"run","name":"stg_transactions","why":"requested"}],"skipped":[],"text":["1 to run: 1 model"]}
key R Enter
sent
===
===
key 5
feed processes fixtures/processes.json
key r Enter
key s Enter
key r Esc
key r q
key 3
feed runs fixtures/runs.json
key c Enter
key 7
feed alerts fixtures/alerts.json
key a Enter
command run-models tag:hourly
key Enter
command sync pos
key Enter
command shutdown
dump 8-16
===

   +- Stop the platform ----------------------------------------------------+
   | Drain and stop the platform                                            |
   | Everything read is written, then all processes end. The console stays. |
   | Environment: dev                                                       |
   |                                                                        |
   | [ Cancel ]  [ Drain and stop ]                                         |
   +------------------------------------------------------------------------+

===
key Enter
command stop lag
key Enter
command start alert
key Enter
sent
===
===
dump 23-23
===

===
# now for real
key 5 r Tab
dump roles 8-16
===
                            o ooooo
   bbtttttttttttttttttttbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
   b tttttttttttttttttt                                                     b
   b                                                                        b
   b                                                                        b
   b                                                                        b
   b uuuuuuuuuu  UUUUUUUUUUU                                                b
   bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb

===
key Enter
sent clear
===
{"args":{"process":"ingest.pos"},"cmd":"restart"}
===
key j j j j j s
dump 8-16
===
 sql.1                      + ready    4111           0   1h 01m  41.5 MB   12%
>s +- Start a process ------------------------------------------------------+ -
 l | Start sql.2                                                            | %
 a | It goes on where it committed.                                         | -
   | Environment: dev                                                       |
   |                                                                        |
   | [ Cancel ]  [ Start ]                                                  |
   +------------------------------------------------------------------------+

===
key Right Enter
sent clear
===
{"args":{"process":"sql.2"},"cmd":"start"}
===
key k s Tab Enter
sent clear
===
{"args":{"process":"sql.1"},"cmd":"stop"}
===
command rerun dim_stores this+
key Tab Enter
sent clear
===
{"args":{"node":"dim_stores","scope":"this+"},"cmd":"rerun"}
===
command run-models tag:hourly
dump 3-10
===
 p +- Build models ---------------------------------------------------------+ u
 i | Build tag:hourly                                                       | %
 i | Environment: dev                                                       | -
 s |                                                                        | %
 l | Full refresh [ ]                                                       | -
>s |                                                                        | %
 s | 1 to run: 1 model                                                      | -
 l |   run     stg_transactions             requested                       | %
===
key k Space
key Tab Tab Enter
sent
===
{"args":{"command":"build","full_refresh":true,"select":["tag:hourly"]},"cmd":"run"}
===
# a process that is down is started; the platform is drained only by the other button
key 5 G s Tab Enter
sent clear
===
{"args":{"command":"build","full_refresh":true,"select":["tag:hourly"]},"cmd":"run"}
{"args":{"process":"alert"},"cmd":"start"}
===
command shutdown
key Tab Enter
sent clear
===
{"args":{},"cmd":"down"}
===
command cancel
dump 23-23
===
 put the cursor on a run first (3 shows them)
===
key 3 c Tab Enter
sent clear
===
{"args":{"run":12},"cmd":"cancel"}
===
key 7 a Tab Enter
sent clear
===
{"args":{"key":"anomaly:TXN0031007"},"cmd":"ack"}
===
command sync ingest.pos
key Tab Enter
sent clear
===
{"args":{"source":"ingest.pos"},"cmd":"sync"}
===
# n is Cancel and y the other button, where nothing is typed
key 5
key g r n
sent clear
===
===
key r y
sent clear
===
{"args":{"process":"ingest.pos"},"cmd":"restart"}
===
