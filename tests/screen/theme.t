# Themes by name; a missing one says what there is; the screen stays.
size 80x24
clock 2017-06-15T06:04:11Z
feed overview fixtures/overview.json
command theme mono
dump roles 1-2
===
 ttttttmm tttttttt                   vvvvv  rrrrrrr  mmmmmmmmmmmmmmmmmmmm  oooo
 aaaaaaaaaa mmmmm mmmmmm mmmmmmmmmmm mmmmmmmmmmm mmmmmm mmmmmmmmeee mmmmmmm
===
command theme dark
command theme
dump 23-23
===
 theme dark; :theme NAME changes it
===
command theme nosuch
dump 23-23
===
 no theme "nosuch"; there are: default mono dark light safe
===
