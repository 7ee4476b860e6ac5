# Mistake 17: what is known of how far the log is durable does not go back when the log is truncated (Redpanda 16105).
nodes 1 2 3 4 5
threshold 3
elect 1
cut 1 -> 2,4,5
propose 1 a b c
deliver
expect on-disk 3 1:* 1:a 1:b 1:c
crash 1
unheard 4,5
elect 2
expect on-disk 3 1:* 2:*
stall 3
propose 2 x y
deliver
expect log 3 1:* 2:* 2:x 2:y
expect on-disk 3 1:* 2:*
tick 3
deliver
expect committed 2,4,5 x y
expect committed 3 nothing
resume 3
deliver
expect committed 3 x y
