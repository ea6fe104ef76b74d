# Production: marked, and its name must be typed before anything is sent.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview_prod.json
dump 1-2
===
 retail > overview            production!   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
===
dump roles 1-1
===
 ttttttmm tttttttt           PPPPPPPPPPPPP  rrrrrrr  mmmmmmmmmmmmmmmmmmmm  oooo
===
key 5
feed processes fixtures/processes.json
key r
dump 8-18
===
 s +- Restart a process ----------------------------------------------------+ %
 s | Restart ingest.pos                                                     | -
 l | It is stopped and started again; it goes on where it committed.        | %
 a | Environment: production                                                | -
   |                                                                        |
   | Type its name                                                          |
   |                                                                        |
   | [ Cancel ]  [ Restart ]  type the name first                           |
   +------------------------------------------------------------------------+


===
dump roles 10-13
===
   b                                                                        b
   b PPPPPPPPPPPPPPPPPPPPPPP                                                b
   b                                                                        b
   b               nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn b
===
key Tab Enter
sent
===
===
key Tab
type source.po
key Tab Tab Enter
sent
===
===
key Tab
type s
dump 8-18
===
 s +- Restart a process ----------------------------------------------------+ %
 s | Restart ingest.pos                                                     | -
 l | It is stopped and started again; it goes on where it committed.        | %
 a | Environment: production                                                | -
   |                                                                        |
   | Type its name source.pos                                               |
   |                                                                        |
   | [ Cancel ]  [ Restart ]  type the name first                           |
   +------------------------------------------------------------------------+


===
key Tab Tab Enter
sent
===
===
