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
