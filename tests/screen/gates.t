# Verdicts, and the freshness of what they guard.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 8
dump
===
 retail > gates                       dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 gate              on                       verdict   failed checks judged
>transactions      silver.stg_transactions  + pass         0      8 06:03:10
 stores            silver.stg_stores        x fail         2      6 06:03:20

 freshness of                layer    verdict         age warn over breach over
 bronze.raw_transactions     bronze   + ok            12s    2m 00s      5m 00s
 silver.stg_transactions     silver   + ok         3m 10s   10m 00s     15m 00s
 gold.fct_daily_sales        gold     ! warn       1h 06m    1h 05m      1h 30m













 R rerun  x kept rows  Enter open  / filter  : command  ? help  q back
===
key j
dump
===
 retail > gates                       dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 gate              on                       verdict   failed checks judged
 transactions      silver.stg_transactions  + pass         0      8 06:03:10
>stores            silver.stg_stores        x fail         2      6 06:03:20

 freshness of                layer    verdict         age warn over breach over
 bronze.raw_transactions     bronze   + ok            12s    2m 00s      5m 00s
 silver.stg_transactions     silver   + ok         3m 10s   10m 00s     15m 00s
 gold.fct_daily_sales        gold     ! warn       1h 06m    1h 05m      1h 30m







 ------------------------------------------------------------------------------
 2 of 6 expectations do not hold:
 expect_column_values_to_be_in_set(store_format): 3 of 457 rows;
 expect_column_values_to_match_regex(zip): regex "[": missing terminating ] for
 character class at offset 1

 R rerun  x kept rows  Enter open  / filter  : command  ? help  q back
===
key Enter
feed gate:stores fixtures/gate.json
dump
===
 retail > gates > stores              dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 verdict   expect                           column            failing        of
>x fail    column_values_to_be_in_set       store_format            3       457
 x error   column_values_to_match_regex     zip                     -         -
 + pass    column_values_to_not_be_null     store_id                0       457
 + pass    table_row_count_to_be_between                            -         -
 + pass    column_values_to_be_unique       store_id                0       457
 + pass    column_values_to_not_be_null     region                  0       457











 ------------------------------------------------------------------------------
 value_set=["EXPRESS","SUPER","HYPER"]
                                                      3 rows kept of run 12 (x)
 x kept rows  Enter open  / filter  : command  ? help  q back  e next problem
===
key j x
dump 1-6
===
 retail > gates > stores              dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 verdict   expect                           column            failing        of
 x fail    column_values_to_be_in_set       store_format            3       457
>x error   column_values_to_match_regex     zip                     -         -
 + pass    column_values_to_not_be_null     store_id                0       457
===
key k Enter
dump 1-14
===
 retail > gates > stores > column_v~  dev   running  2017-06-15 06:04 UTC  live
 1 overview 2 lag 3 runs 4 anomalies 5 processes 6 logs 7 alerts(2) 8 gates
 member                   value
>expectation              column_values_to_be_in_set
 column                   store_format
 severity                 critical
 verdict                  fail
 expected                 value_set=["EXPRESS","SUPER","HYPER"]
 unexpected               3
 rows                     457
 message



===
