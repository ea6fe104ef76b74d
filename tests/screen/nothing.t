# No supervisor: what is missing and what to do.
size 80x24
clock 2017-06-15T06:04:11Z
disconnect cannot connect to /srv/retail/.weir/control.sock: no such file
dump
===
 weir > overview                                                        offline
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts 8 gates






    No supervisor answers.

    cannot connect to /srv/retail/.weir/control.sock: no such file


    Start the platform in another terminal:
      weir up            stays in the foreground
      weir up --detach   goes to the background

    This console connects by itself. q leaves.





 R rerun  Enter open  / filter  : command  ? help  q back  e next problem
===
# a platform without sources: before the first run, and behind it
feed overview fixtures/overview_models_only.json
key 1
dump 3-13
===
 flow     stage              state             in     rate    lag progress

  no sources, streams or loads; :run-models builds the models


 run        none yet
 freshness  nothing measured yet
 counts     0 records  0 alerts  0 rejected  0 anomalies  0 late  0 masked
 gates      none judged yet

 events -----------------------------------------------------------------------
===
feed runs fixtures/runs.json
feed overview fixtures/overview_models_only.json
dump 3-13
===
 flow     stage              state             in     rate    lag progress
>  models models             > running          -        -      -

 run        > running  #12 build  ########........ 23/41  1 failed
 freshness  nothing measured yet
 counts     0 records  0 alerts  0 rejected  0 anomalies  0 late  0 masked
 gates      none judged yet

 events -----------------------------------------------------------------------
 nothing yet

===
