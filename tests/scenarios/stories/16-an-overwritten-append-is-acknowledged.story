# Mistake 16: with asynchronous appends, the end of one that was overwritten makes what took its place stable (ABA).
nodes 1 2 3 4 5
threshold 3
elect 1
stall 3
cut 1 -> 2,4,5
propose 1 a
deliver
expect writing 3 1
crash 1
# 2 leads term 2, and 3 hears of that before it gets 2's first entry, in the place of a.
unheard 4,5
hold 2 -> 3 append
elect 2
tick 2
deliver
expect writing 3 2
release 2 -> 3 append
deliver
expect writing 3 3
expect log 3 1:* 2:*
# The writes of a and of the term are done; that of the entry is not.
write 3 2
expect on-disk 3 1:* 1:a
tick 3
deliver
write 3
expect on-disk 3 1:* 2:*
