# : completes commands, views and arguments; a wrong word gets the nearest.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 5
feed processes fixtures/processes.json
key 1 :
type th
dump 14-24
===
 freshness  bronze + ok 12s   silver + ok 3m 10s   gold ! warn 1h 06m > 1h 05m
 counts     196,105 records  2 alerts  12 rejected  1,204 anomalies  3 late
 gates      x stores fail 2 of 6   + transactions 8/8

 events -----------------------------------------------------------------------
 06:03:01 ! stream.enrichment  12 records rejected: wrong_type 7, invalid_json 5
 06:03:20 x gate.stores        1 of 6 checks failed: column region must not be ~
 06:03:51 ! load.raw_transact~ restarted (1), exit status 1
  theme NAME                      Change the colours
:th
 Enter run   Tab complete   Up/Down choose   Esc cancel
===
key Tab
type li
key Tab Enter
dump 23-23
===

===
key :
type restart s
dump 19-24
===
 06:03:01 ! stream.enrichment  12 records rejected: wrong_type 7, invalid_json 5
  restart stream.enrichment       process
  restart sql.1                   process
  restart sql.2                   process
:restart s
 Enter run   Tab complete   Up/Down choose   Esc cancel
===
key Esc :
type lgo
key Enter
dump 23-23
===
 no command "lgo"; ? lists them
===
key :
type lag
key Enter
dump 1-1
===
 retail > lag                         dev   running  2017-06-15 06:04 UTC  live
===
key :
type view
key Enter
dump 23-23
===
 no view ""; 1 to 8 or : and a view's name
===
key : Backspace
dump 23-23
===

===
command conf show
dump 23-23
===
 would run: weir conf show
===
command worker
dump 23-23
===
 weir worker is not for the console; use a shell
===
# Up in an empty palette brings back what was typed
key : Up
dump 23-23
===
:view
===
key Up
dump 23-23
===
:lag
===
key Down Down
dump 23-23
===
:
===
key Esc
