# A changed row must be cheap over a slow line.
size 120x40
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
key 5
feed processes fixtures/processes.json
feed processes fixtures/processes.json
bytes < 20
===
ok
===
key j
bytes < 400
===
ok
===
key 2
feed lag fixtures/lag.json
feed lag fixtures/lag.json
bytes < 20
===
ok
===
feed lag fixtures/lag_changed.json
bytes < 400
===
ok
===
