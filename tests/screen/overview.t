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
 counts     196,105 records  2 alerts  12 rejected  1,204 anomalies  3 late
 gates      x stores fail 2 of 6   + transactions 8/8

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
 tttttt             mmmmmmm  e mmmmmm  ww mmmmmmmm        mmmmmmmmm    mmmm
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
key j Enter
dump 3-13
===
 flow     stage              state             in     rate    lag progress
   source pos                > running    103,317  41.2k/s      0 #####...  66%
>         s0                 . idle             0        -      0
          s1                 + done           100        -      0 ######## 100%
          s2                 + done           200        -      0 ######## 100%
          s3                 . idle           300        -      0
          s4                 + done           400        -      0 ######## 100%
          s5                 + done           500        -      0 ######## 100%
          s6                 . idle           600        -      0
          s7                 + done           700        -      0 ######## 100%
          s8                 + done           800        -      0 ######## 100%
===
dump 23-23
===
                                                                     1-10 of 17
===
feed overview fixtures/overview.json
size 120x40
dump
===
 retail > overview                                                       dev   running  data 2017-06-15 06:04 UTC  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates
 flow     stage             state             in       out     rate    lag progress      rate over time
   source pos               > running    103,317   103,300  41.2k/s      0 #####...  66%                            ###
>         stores            + done           457       457        -      0 ######## 100%
          products          + done        92,331    92,331        -      0 ######## 100%
 v stream enrichment        > running     98,120    98,034  38.9k/s   5.2k #######.  94%                            ###
 v bronze raw_transactions  > running     97,000    97,000  35.1k/s   1.0k #######.  98%                            ###
          raw_stores        . idle           457       457        -      0
 v models models            > running         23        23        -     18 ####....  56%
 v gates  transactions      . waiting          -         -        -      -

 run        > running  #12 build  ###... 23/41  1 failed  12s left counts     196,105 records  2 alerts  12 rejected
 freshness  bronze.raw_transactions    + ok 12s                               1,204 anomalies  3 late  7 masked
            silver.stg_transactions    + ok 3m 10s                 gates      x stores fail 2 of 6   + transactions 8/8
            gold.fct_daily_sales       ! warn 1h 06m > 1h 05m

 pos                           41.2k/s  enrichment                    38.9k/s  raw_transactions              35.1k/s
                                   ###                                    ###                                    ###
                                   ###                                    ###                                    ###
                                   ###                                    ###                                    ###
                                   ###                                    ###                                    ###
                                   ###                                    ###                                    ###
 -------------------------------------  -------------------------------------  -------------------------------------

 events ---------------------------------------------------------------------------------------------------------------
 05:02:31 . supervisor               platform retail started
 06:02:36 . ingest.pos               reading pos_all.jsonl.gz from line 1
 06:03:01 ! stream.enrichment        12 records rejected: wrong_type 7, invalid_json 5
 06:03:20 x gate.stores              1 of 6 checks failed: column region must not be null, 3 rows in quarantine
 06:03:51 ! load.raw_transactions    restarted (1), exit status 1
 06:04:09 . run 12                   23 of 41 done







 R rerun  Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===
size 200x50
dump
===
 retail > overview                                                                                                                                       dev   running  data 2017-06-15 06:04 UTC  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates
 flow     stage                      state             in       out     rate    lag progress      rate over time                 detail
   source pos                        > running    103,317   103,300  41.2k/s      0 #####...  66%                            ### pos_all.jsonl.gz
>         stores                     + done           457       457        -      0 ######## 100%                                stores.csv, next in 54m
          products                   + done        92,331    92,331        -      0 ######## 100%                                products.csv.gz
 v stream enrichment                 > running     98,120    98,034  38.9k/s   5.2k #######.  94%                            ### watermark 06:03:41
 v bronze raw_transactions           > running     97,000    97,000  35.1k/s   1.0k #######.  98%                            ### bronze.raw_transactions
          raw_stores                 . idle           457       457        -      0
 v models models                     > running         23        23        -     18 ####....  56%                                stg_transactions, dim_stores
 v gates  transactions               . waiting          -         -        -      -

 run        > running  #12 build  ########........ 23/41  1 failed  12s left                                   counts     196,105 records  2 alerts  12 rejected  1,204 anomalies  3 late  7 masked
 freshness  bronze.raw_transactions    + ok 12s                                                                gates      x stores fail 2 of 6   + transactions 8/8
            silver.stg_transactions    + ok 3m 10s
            gold.fct_daily_sales       ! warn 1h 06m > 1h 05m

 pos                                                      41.2k/s  enrichment                                               38.9k/s  raw_transactions                                         35.1k/s
                                                              ###                                                               ###                                                               ###
                                                              ###                                                               ###                                                               ###
                                                              ###                                                               ###                                                               ###
                                                              ###                                                               ###                                                               ###
                                                              ###                                                               ###                                                               ###
 ----------------------------------------------------------------  ----------------------------------------------------------------  ----------------------------------------------------------------

 events -----------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
 05:02:31 . supervisor               platform retail started
 06:02:36 . ingest.pos               reading pos_all.jsonl.gz from line 1
 06:03:01 ! stream.enrichment        12 records rejected: wrong_type 7, invalid_json 5
 06:03:20 x gate.stores              1 of 6 checks failed: column region must not be null, 3 rows in quarantine
 06:03:51 ! load.raw_transactions    restarted (1), exit status 1
 06:04:09 . run 12                   23 of 41 done

















 R rerun  Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===
