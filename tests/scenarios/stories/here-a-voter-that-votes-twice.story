# With mere majorities, of five voters one that votes twice elects two honest leaders of one term. So a quorum is larger: four.
nodes 1 2 3 4 5
tick 1,2 election
deliver pre-vote-request
deliver pre-vote-response
expect role 1,2 candidate
deliver 1 -> 3,5 vote-request
deliver 2 -> 4 vote-request
lose vote-request
forge 5 -> 2 term 1 vote-response
deliver vote-response
expect role 1,2 candidate
