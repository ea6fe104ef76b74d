# Data that is old says so, in red; a lost connection keeps the last data.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
dump 1-1
===
 retail > overview                    dev   running  2017-06-15 06:04 UTC  live
===
wait 4s
dump 1-1
===
 retail > overview                    dev   running  2017-06-15 06:04 UTC  live
===
wait 2s
dump 1-1
===
 retail > overview           dev   running  2017-06-15 06:04 UTC  STALE, 6s old
===
dump roles 1-1
===
 ttttttmm tttttttt          vvvvv  rrrrrrr  mmmmmmmmmmmmmmmmmmmm  xxxxxxxxxxxxx
===
feed overview fixtures/overview.json
dump 1-1
===
 retail > overview                    dev   running  2017-06-15 06:04 UTC  live
===
disconnect control.sock: connection refused
wait 75s
dump 1-4
===
 retail > overview        dev   running  2017-06-15 06:04 UTC  LOST, 1m 15s old
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 flow     stage              state             in     rate    lag progress
>  source pos                > running    103,317  41.2k/s      0 #####...  66%
===
dump 23-23
===
 connection lost, trying again: control.sock: connection refused
===
dump roles 23-23
===
 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
===
