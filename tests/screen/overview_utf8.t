# The same with UTF-8 characters; two samples make a sparkline.
charset utf8
size 160x45
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
feed overview fixtures/overview_2.json
feed overview fixtures/overview_2.json
feed overview fixtures/overview.json
feed overview fixtures/overview_2.json
feed overview fixtures/overview.json
dump
===
 retail › overview                                                                                               dev   running  data 2017-06-15 06:04 UTC  live
 1 overview  2 lag  3 runs  4 anomalies  5 processes  6 logs  7 alerts(2)  8 gates
 flow     stage                 state             in       out     rate    lag progress      rate over time                 detail
▸  source pos                   ▸ running    103,317   103,300  41.2k/s      0 █████▎░░  66%                            ⣧⣼⣼ pos_all.jsonl.gz
          stores                ✓ done           457       457        -      0 ████████ 100%                                stores.csv, next in 54m
          products              ✓ done        92,331    92,331        -      0 ████████ 100%                                products.csv.gz
 ↓ stream enrichment            ▸ running     98,120    98,034  38.9k/s   5.2k ███████▌  94%                            ⣧⣼⣼ watermark 06:03:41
 ↓ bronze raw_transactions      ▸ running     97,000    97,000  35.1k/s   1.0k ███████▊  98%                            ⣧⣼⣼ bronze.raw_transactions
          raw_stores            · idle           457       457        -      0
 ↓ models models                ▸ running         23        23        -     18 ████▍░░░  56%                                stg_transactions, dim_stores
 ↓ gates  transactions          · waiting          -         -        -      -

 run        ▸ running  #12 build  ████████▉░░░░░░░ 23/41  1 failed  12s left             counts     196,105 records  2 alerts  12 rejected  1,204 anomalies
 freshness  bronze.raw_transactions    ✓ ok 12s                                                     3 late  7 masked
            silver.stg_transactions    ✓ ok 3m 10s                                       gates      ✗ stores fail 2 of 6   ✓ transactions 8/8
            gold.fct_daily_sales       ! warn 1h 06m > 1h 05m

 pos                                        41.2k/s  enrichment                                 38.9k/s  raw_transactions                           35.1k/s
                                                ⡇⢸⢸                                                 ⡇⢸⢸                                                 ⡇⢸⢸
                                                ⡇⢸⢸                                                 ⡇⢸⢸                                                 ⡇⢸⢸
                                                ⡇⢸⢸                                                 ⡇⢸⢸                                                 ⡇⢸⢸
                                                ⣿⣿⣿                                                 ⣿⣿⣿                                                 ⣿⣿⣿
                                                ⣿⣿⣿                                                 ⣿⣿⣿                                                 ⣿⣿⣿
 ──────────────────────────────────────────────────  ──────────────────────────────────────────────────  ──────────────────────────────────────────────────

 events ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 05:02:31 · supervisor               platform retail started
 06:02:36 · ingest.pos               reading pos_all.jsonl.gz from line 1
 06:03:01 ! stream.enrichment        12 records rejected: wrong_type 7, invalid_json 5
 06:03:20 ✗ gate.stores              1 of 6 checks failed: column region must not be null, 3 rows in quarantine
 06:03:51 ! load.raw_transactions    restarted (1), exit status 1
 06:04:09 · run 12                   23 of 41 done












 R rerun  Enter open  / filter  : command  ? help  q back  e next problem  y copy id
===
charset block
dump 3-30
===
 flow     stage                 state             in       out     rate    lag progress      rate over time                 detail
▸  source pos                   ▸ running    103,317   103,300  41.2k/s      0 █████░░░  66%                         █▄▄█▄█ pos_all.jsonl.gz
          stores                ✓ done           457       457        -      0 ████████ 100%                                stores.csv, next in 54m
          products              ✓ done        92,331    92,331        -      0 ████████ 100%                                products.csv.gz
 ↓ stream enrichment            ▸ running     98,120    98,034  38.9k/s   5.2k ███████░  94%                         █▄▄█▄█ watermark 06:03:41
 ↓ bronze raw_transactions      ▸ running     97,000    97,000  35.1k/s   1.0k ███████░  98%                         █▄▄█▄█ bronze.raw_transactions
          raw_stores            · idle           457       457        -      0
 ↓ models models                ▸ running         23        23        -     18 ████░░░░  56%                                stg_transactions, dim_stores
 ↓ gates  transactions          · waiting          -         -        -      -

 run        ▸ running  #12 build  ████████░░░░░░░░ 23/41  1 failed  12s left             counts     196,105 records  2 alerts  12 rejected  1,204 anomalies
 freshness  bronze.raw_transactions    ✓ ok 12s                                                     3 late  7 masked
            silver.stg_transactions    ✓ ok 3m 10s                                       gates      ✗ stores fail 2 of 6   ✓ transactions 8/8
            gold.fct_daily_sales       ! warn 1h 06m > 1h 05m

 pos                                        41.2k/s  enrichment                                 38.9k/s  raw_transactions                           35.1k/s
                                             █  █ █                                              █  █ █                                              █  █ █
                                             █  █ █                                              █  █ █                                              █  █ █
                                             █  █ █                                              █  █ █                                              █  █ █
                                             ██████                                              ██████                                              ██████
                                             ██████                                              ██████                                              ██████
 ──────────────────────────────────────────────────  ──────────────────────────────────────────────────  ──────────────────────────────────────────────────

 events ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 05:02:31 · supervisor               platform retail started
 06:02:36 · ingest.pos               reading pos_all.jsonl.gz from line 1
 06:03:01 ! stream.enrichment        12 records rejected: wrong_type 7, invalid_json 5
 06:03:20 ✗ gate.stores              1 of 6 checks failed: column region must not be null, 3 rows in quarantine
===
