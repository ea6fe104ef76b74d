# The first view at the smallest size, with its roles; then with room.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
dump
===
 retail > overview                    dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 flow     stage              state             in     rate    lag progress
>  source pos                > running    103,317  41.2k/s      0 #####...  66%
          stores             + done           457        -      0 ######## 100%
          products           + done        92,331        -      0 ######## 100%
 v stream enrichment         > running     98,120  38.9k/s   5.2k #######.  94%
 v bronze raw_transactions   > running     97,000  35.1k/s   1.0k #######.  98%
          raw_stores         . idle           457        -      0
 v models models             > running         23        -     18 ####....  56%
 v gates  transactions       . waiting          -        -      -

 run        > running  #12 build  ########........ 23/41  1 failed  12s left
 freshness  bronze + ok 12s   silver + ok 3m 10s   gold ! warn 1h 06m > 1h 05m
 counts     196,105 records  2 open alerts  12 rejected  1,204 anomalies  3 late
 gates      x stores fail 1 of 6   + transactions 8/8

 events -----------------------------------------------------------------------
 06:03:01 ! stream.enrichment  12 records rejected: wrong_type 7, invalid_json 5
 06:03:20 x gate.stores        1 of 6 checks failed: column region must not be ~
 06:03:51 ! load.raw_transact~ restarted (1), exit status 1
 06:04:09 . run 12             23 of 41 done

 R rerun  Enter open  / filter  : command  ? help  q back  e next problem
===
dump roles
===
 ttttttmm tttttttt                   vvvvv  rrrrrrr  mmmmmmmmmmmmmmmmmmmm  oooo
 aaaaaaaaaa mmmmm mmmmmm mmmmmmmmmmm mmmmmmmmmmm mmmmmm mmmmmmmmeee mmmmmmm
 hhhh     hhhhh              hhhhh             hh     hhhh    hhh hhhhhhhh
ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss
                             o oooo                               BBBBBBBB
                             o oooo                               BBBBBBBB
                             r rrrrrrr                            BBBBBBBm
                             r rrrrrrr                            BBBBBBBm
                             m mmmm
                             r rrrrrrr                            BBBBmmmm
                             m mmmmmmm

 ttt        r rrrrrrr             BBBBBBBBmmmmmmmm        eeeeeeee  mmmmmmmm
 ttttttttt         o oo mmm          o oo mmmmmm        w wwww wwwwwwwwwwwwwww
 tttttt             mmmmmmm  e mmmmmmmmmmm  ww mmmmmmmm        mmmmmmmmm    mmmm
 ttttt      e eeeeee eeeeeeeeeee   o oooooooooooo mmm

 tttttt bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
 mmmmmmmm w mmmmmmmmmmmmmmmmm  wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww
 mmmmmmmm e mmmmmmmmmmm        eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
 mmmmmmmm w mmmmmmmmmmmmmmmmmm wwwwwwwwwwwwwwwwwwwwwwwwwwww
 mmmmmmmm m mmmmmm

 k mmmmm  kkkkk mmmm  k mmmmmm  k mmmmmmm  k mmmm  k mmmm  k mmmmmmmmmmmm
===
# more stages than fit: the calm ones of a layer are folded, Enter lists them
feed overview fixtures/overview_many.json
dump 3-13
===
 flow     stage              state             in     rate    lag progress
>  source pos                > running    103,317  41.2k/s      0 #####...  66%
          11 at rest         . idle        96,388        -      -
 v stream enrichment         > running     98,120  38.9k/s   5.2k #######.  94%
 v bronze raw_transactions   > running     97,000  35.1k/s   1.0k #######.  98%
          raw_stores         . idle           457        -      0
 v models models             > running         23        -     18 ####....  56%
 v gates  transactions       . waiting          -        -      -

 run        > running  #12 build  ########........ 23/41  1 failed  12s left
 freshness  bronze + ok 12s   silver + ok 3m 10s   gold ! warn 1h 06m > 1h 05m
===
key Enter
dump 3-13
===

  waiting for data









===
dump 23-23
===
                                                              following 0 lines
===
feed overview fixtures/overview.json
size 120x40
dump
===
 retail > overview > ingest.pos                                               dev   running  2017-06-15 06:04 UTC  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates

  waiting for data


































                                                                                                      following 0 lines
 F follow  / search  : command  ? help  q back  e next problem  y copy id
===
size 200x50
dump
===
 retail > overview > ingest.pos                                                                                                                               dev   running  2017-06-15 06:04 UTC  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates

  waiting for data












































                                                                                                                                                                                      following 0 lines
 F follow  / search  : command  ? help  q back  e next problem  y copy id
===
