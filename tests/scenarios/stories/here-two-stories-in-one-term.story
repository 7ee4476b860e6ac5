# A second entry of one index and term is refused in that term, and both are kept as evidence. A later leader may replace it.
nodes 1 2 3 4
elect 1
cut 1 -> 3,4
propose 1 a
deliver
expect on-disk 2 1:* 1:a
forge 1 -> 2 term 1 append after 1 1:x
deliver 1 -> 2
expect log 2 1:* 1:a
expect evidence 2 against 1 two stories in one term
crash 1
heal
unheard 3,4
elect 2
expect committed 2,3,4 a
