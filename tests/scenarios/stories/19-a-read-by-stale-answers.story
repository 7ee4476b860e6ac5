# Mistake 19, its other half: a read is answered by heartbeats' answers from before it was asked for.
# 1 does not know that 2 leads, and old answers from 2 and 3 are still on their way to it.
nodes 1 2 3
elect 1
propose 1 a
deliver
hold 2,3 -> 1 heartbeat-response
tick 1
deliver
cut 1 <-> 2,3
unheard 3
elect 2
propose 2 b
deliver
expect committed 2,3 a b
expect leader 1 term 1
read 1
release 2,3 -> 1 heartbeat-response
deliver
expect read 1 waiting
pass 22
expect read 1 unknown
