# The rerun dialog: the plan for each scope, nothing to do, an error, many items.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
answer rerun.plan {"items":[{"kind":"run","name":"dim_stores","why":"requested"},{"kind":"run","name":"fct_daily_sales","why":"downstream of dim_stores"},{"kind":"gate","name":"transactions","why":"on fct_daily_sales"}],"skipped":[{"name":"exposure.x","why":"not run by weir"}],"text":["3 to run: 2 models, 1 gate"]}
command rerun dim_stores
dump
===
 retail > overview                    dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 f +- Rerun ----------------------------------------------------------------+
>  | Rerun dim_stores                                                       | %
   | Environment: dev                                                       | %
   |                                                                        | %
 v | Scope [this]  this+   +this   failed   the node alone                  | %
 v |                                                                        | %
   | 3 to run: 2 models, 1 gate                                             |
 v |   run     dim_stores                   requested                       | %
 v |   run     fct_daily_sales              downstream of dim_stores        |
   |   gate    transactions                 on fct_daily_sales              |
 r |   skipped exposure.x                   not run by weir                 |
 f |                                                                        |
 c |                                                                        |
 g |                                                                        |
   |                                                                        |
 e |                                                                        | -
 0 |                                                                        |  5
 0 |                                                                        |  ~
 0 | [ Cancel ]  [ Rerun ]                                                  |
 0 +------------------------------------------------------------------------+

 y yes   n no   Tab next   Left/Right change   Enter press   Esc cancel
===
dump roles 5-9
===
   b                                                                        b
   b                                                                        b
   b       kkkkkk mmmmmmm mmmmmmm mmmmmmmm  mmmmmmmmmmmmmm                  b
   b                                                                        b
   b tttttttttttttttttttttttttt                                             b
===
answer rerun.plan {"items":[],"skipped":[],"text":["nothing failed in run 12"]}
key k Right
dump 3-12
===
 f +- Rerun ----------------------------------------------------------------+
>  | Rerun dim_stores                                                       | %
   | Environment: dev                                                       | %
   |                                                                        | %
 v | Scope  this  [this+]  +this   failed   and everything downstream       | %
 v |                                                                        | %
   | nothing failed in run 12                                               |
 v |                                                                        | %
 v |                                                                        |
   |                                                                        |
===
key Right Right
dump 3-12
===
 f +- Rerun ----------------------------------------------------------------+
>  | Rerun dim_stores                                                       | %
   | Environment: dev                                                       | %
   |                                                                        | %
 v | Scope  this   this+   +this  [failed]  what failed in its last run     | %
 v |                                                                        | %
   | nothing failed in run 12                                               |
 v |                                                                        | %
 v |                                                                        |
   |                                                                        |
===
key Tab Tab Enter
sent
===
===
dump 20-24
===
 0 |                                                                        |  ~
 0 | [ Cancel ]  [ Rerun ]  nothing to do                                   |
 0 +------------------------------------------------------------------------+

 y yes   n no   Tab next   Left/Right change   Enter press   Esc cancel
===
answer rerun.plan "no node \"dim_store\"; did you mean \"dim_stores\"?"
key Esc
command rerun dim_store
dump 3-12
===
 f +- Rerun ----------------------------------------------------------------+
>  | Rerun dim_store                                                        | %
   | Environment: dev                                                       | %
   |                                                                        | %
 v | Scope [this]  this+   +this   failed   the node alone                  | %
 v |                                                                        | %
   | no node "dim_store"; did you mean "dim_stores"?                        |
 v |                                                                        | %
 v |                                                                        |
   |                                                                        |
===
key Tab Enter
sent
===
===
# the planner's own text is shown as it is
key Esc
answer rerun.plan {"items":[{"kind":"run","name":"dim_stores","why":"requested"}],"skipped":[],"text":["1 to run: 1 model","    run      dim_stores  table gold.dim_stores - requested"]}
command rerun dim_stores
dump 7-12
===
 v | Scope [this]  this+   +this   failed   the node alone                  | %
 v |                                                                        | %
   | 1 to run: 1 model                                                      |
 v |   run      dim_stores  table gold.dim_stores - requested               | %
 v |                                                                        |
   |                                                                        |
===
