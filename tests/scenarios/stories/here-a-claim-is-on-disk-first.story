# That a head was derived is said when the claim is on disk: nobody cosigns on the word of a node that may forget it.
nodes 1 2 3
elect 1
hold applying 2
propose 1 a
deliver
expect agreed 1,3 2
stall 2
release applying 2
expect writing 2 1
tick 2
deliver
expect agreed 2 1
write 2
deliver
expect agreed 2 2
