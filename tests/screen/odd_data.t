# Feeds of the wrong shape: nothing crashes, what can be shown is shown.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview {"platform":"shop","environment":7,"state":null,"stages":{"a":1},"run":[],"gates":"x","events":[1,null,{"at_ms":"x","level":3,"text":{}}],"counts":[],"freshness":[[],{"relation":5,"layer":"gold","verdict":9}],"now_ms":"x"}
dump 1-8
===
 shop > overview                                     2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts 8 gates
 flow     stage              state             in     rate    lag progress

  no sources, streams or loads; :run-models builds the models


 run        none yet
===
key E Enter Esc Esc
feed overview {"platform":"shop","stages":[1,"x",{"name":5,"kind":"ingest","state":{},"in":"many","rate":[],"total":-5},{"kind":"gate"},{"name":"x","kind":"newkind","rate":1e308,"in":9e18}],"run":{"id":"x","done":-1,"total":-9}}
dump 3-12
===
 flow     stage              state             in     rate    lag progress
>  models models             > running          -        -      -
 v source                    ? {}            many        -      -
 v gates                                        -        -      -
 v newki~ x                                     -        -      -

 run        ?   #0   -1/-9
 freshness  nothing measured yet
 counts     0 records  0 alerts  0 rejected  0 anomalies  0 late  0 masked
 gates      none judged yet
===
key j R Enter Esc
key 2
feed lag []
feed lag {"groups":[{"group":1,"strip":"x"},{"strip":[null,"a",-5,1e300]},5],"topics":{"x":1}}
dump 3-9
===
 group                 topic             verdict         lag   behind caught up
>1                                                         -        -         -
                                                           -        -         -

 --  on  unknown --------------------------------------------------------------
 not enough samples yet to judge
 no figures for its partitions yet
===
key Enter Esc j Enter Esc
key 3
feed runs {"a":1}
feed runs [{"id":"x","total":"y","started_ms":-1},null]
key Enter
feed tasks:0 [{"node":5,"message":[1],"state":{}},{"node":"","log":7,"state":"running"}]
key Enter Esc j Enter Esc R
dump 1-6
===
 shop > runs                                                               live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts 8 gates
  runv state       command  reason       started         took done       failed
>    x                                   -                  - 0/0             -


===
key Esc Esc 4
feed anomalies {"x":[]}
feed anomalies [[],{"reasons":{"a":1},"total":{},"at_ms":9e18},{"reasons":"OFF_HOURS","total":"12.x"}]
key Space f f f f
dump 3-6
===
 timev       severity  transaction                     total reasons
>-                                                         - {"a":1}
 -                                                      12.x OFF_HOURS

===
key 5
feed processes {"x":1}
feed processes [{"name":null,"state":7,"pid":"x"}]
key r s Enter
dump 3-5
===
 process                    state      pid     restarts       up   memory   cpu
>                           ? 7        x              -        -        -     -

===
key Enter
feed log: {"lines":{"a":1}}
feed log: [{"text":5},7,{"text":"plain","at_ms":"x"}]
key k G w
dump 3-5
===


 plain
===
key 7
feed alerts [{"key":5,"summary":null}]
key a Enter
key 8
dump 3-5
===
 gate              on                       verdict   failed checks judged

  no gate was judged yet
===
sent
===
===
