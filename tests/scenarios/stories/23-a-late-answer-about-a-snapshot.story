# Mistake 23: what is acknowledged of a snapshot comes late, is thrown away, and the snapshot is sent again, without end
# (ClickHouse/NuRaft 121).
nodes 1 2 3
elect 1
cut 1 <-> 3
propose 1 a b
deliver
compact 1,2 3
hold 3 -> 1 append-response
heal 1 <-> 3
pass 14
expect commit 3 3
release 3 -> 1 append-response
propose 1 c
pass 3
expect committed 3 a b c
expect messages no 1 -> 3 behind
tick 1
expect messages no 1 -> 3 behind
