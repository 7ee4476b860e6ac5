# A leader that contradicts itself within a term has an entry of an older one overwritten before it is on disk. What is acknowledged
# when the disk has done both is the second entry, and not the first.
nodes 1 2 3 4
elect 1
deliver
stall 2
propose 1 a
deliver 1 -> 2 append first
# Node 3 says that it leads term 2.
hear 3 -> 2 term 2 append after 1:2
hear 3 -> 2 term 2 append after 1:1 1:b
expect log 2 1:* 1:b
write 2 all
expect on-disk 2 1:* 1:b
expect messages 1 2 -> 3 append-response
resume 2
