# A follower that missed more than it may hold without counting it counts nothing before it has all of it: what the others announced is
# beyond. As they announced it, it takes it all the same.
nodes 1 2 3 4
limit max-held 3
elect 1
cut 1,2,3 <-> 4
propose 1 a b c
deliver
propose 1 d e f
deliver
propose 1 g h i
deliver
expect committed 1,2,3 a b c d e f g h i
heal
reconnect 1 -> 4
pass 3
expect committed 4 a b c d e f g h i
# Of four three decide. One of them hears only the leader and is full, and one lacks everything; the new leader needs them both, and nobody
# announces anything of its term before its first entry is there, on top of what the old term left.
cut 2,4 -> 3
cut 1,2,3 <-> 4
propose 1 j k l
deliver
propose 1 m n o
deliver
expect committed 3,4 a b c d e f g h i
crash 1
heal
unheard 3,4
elect 2
pass 3
expect committed 2,3,4 a b c d e f g h i j k l m n o
