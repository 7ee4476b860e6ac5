# Mistake 5: with pre-vote and check-quorum, a node of a higher term can follow nobody, and nobody listens to it (raft-rs 42, 83).
# 3 campaigned in term 2 and was not heard, while 2 went back to the leader of term 1. The leader must learn of term 2 from the
# answers to its own requests.
nodes 1 2 3
elect 1
unheard 2
tick 3 election
deliver 3 -> 2 pre-vote-request
deliver 2 -> 3 pre-vote-response
expect role 3 candidate
expect term 3 2
lose 3 -> all vote-request
expect term 1,2 1
tick 1
deliver
expect term 1 2
expect role 1 follower
