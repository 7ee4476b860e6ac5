# What a peer said twice, and otherwise, proves that it lies: to whoever heard both. Node 4 lies to the leader of term 1.
nodes 1 2 3 4
elect 1
propose 1 a
deliver
# It gave node 1 its vote, and asks for votes in the same term: it has voted for itself too.
hear 4 -> 1 term 1 vote-request 1:2
expect evidence 1 against 4 two votes in one term
# Two heads of one height, whatever node 1 has derived itself.
hear 4 -> 1 term 1 derived 9:8:aa
hear 4 -> 1 term 1 derived 9:8:bb
expect evidence 1 against 4 two heads of one height
# Two durable entries, which node 1 has not got yet.
hear 4 -> 1 term 1 durable 1:9:aa
hear 4 -> 1 term 1 durable 1:9:bb
expect evidence 1 against 4 another durable entry of one index and term
# A leader says of the entry before that it is another one than it sent; and it sends one under another's hash.
hear 1 -> 2 term 1 append after 1:2:aa 1:x
expect evidence 2 against 1 two stories in one term
hear 1 -> 3 term 1 append after 1:2 1:x=aa
expect evidence 3 against 1 an entry that does not follow the one before
expect log 2,3 1:* 1:a
