# Mistake 20: a follower commits up to the smaller of what it is told and the end of its log, though the end of its log is not what
# was meant. (Here nobody is told a commit: each node counts what the voters announce. The mistake is to count an announcement
# for whatever lies at that index.)
nodes 1 2 3 4 5
threshold 3
elect 1
cut 1 -> 2,4,5
propose 1 a b
deliver
expect log 3 1:* 1:a 1:b
crash 1
unheard 4,5
hold 2 -> 3 append
elect 2
propose 2 x
deliver
expect committed 2,4,5 x
# 3 has heard from all three that index 3 is durable, and holds another entry there.
expect term 3 2
expect commit 3 1
release 2 -> 3 append
deliver
pass 1
expect committed 3 x
