# Mistake 32: a message of an old term, or from a node that is no member, changes anything at all.
nodes 1 2 3
elect 1
propose 1 a
duplicate 1 -> 3 append
hold 1 -> 3 append last
tick 1
duplicate 1 -> 3 heartbeat
hold 1 -> 3 heartbeat last
deliver
# 2 leads term 2; 1's words of term 1 come when it does.
cut 1 <-> 2,3
unheard 3
elect 2
heal 1 <-> 2,3
pass 12
propose 2 b
deliver
expect committed all a b
remember
release 1 -> 3 append
release 1 -> 3 heartbeat
deliver
expect unchanged
# 9 is no member.
forge 9 -> 2 term 99 heartbeat
forge 9 -> 2 term 99 vote-request 98 99
forge 9 -> 3 term 99 append after 4 99:x
forge 9 -> 2 term 99 heartbeat-response
forge 9 -> 3 term 99 durable 4
deliver
expect unchanged
