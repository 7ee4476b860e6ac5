# A follower that hears its leader and nobody else counts nothing. It takes no more than a bounded number of entries, the leader sees
# that it is behind, and once it hears the others it goes on.
nodes 1 2 3 4
limit max-held 3
elect 1
cut 2,3 -> 4
propose 1 a b
deliver
propose 1 c d
deliver
propose 1 e f
deliver
expect committed 1,2,3 a b c d e f
expect log 4 1:* 1:a 1:b 1:c
pass 30
expect log 4 1:* 1:a 1:b 1:c
expect leader 1 term 1
heal
pass 3
expect committed 4 a b c d e f
