#include "corpus.h"
#include "messages_of_every_kind.h"
#include "testamur/node/letters.h"
#include "world.h"

namespace testamur::test {

using namespace node;

void write_letters(Corpus& corpus) {
  const World world;
  const Class listed = make_class("letters", 3, true);
  const Checkpoint checkpoint{world.policy().origin, 5, listed.root};
  const Cosignature cosignature = world.cosign(0, checkpoint, 9);
  const consensus::NodeId learner{3};
  const consensus::Base base{
      consensus::an_id(1),
      {{{consensus::NodeId{1}, consensus::NodeId{2}}, 2}, {}, {learner}, {}, {}, {{learner, 7}}, false}};
  const store::OlderBlock block{store::LogIndex{14}, {LeafIndex{15}, {Bytes{16}, Bytes{17, 18}}}};
  const SignedNote note{encode(checkpoint), {to_line(cosignature, "node.example")}};
  for (const Bytes& letter :
       {submission_letter({world.genesis_bytes(), listed.commitments}), no_room_letter(listed.root, 50),
        cosigned_letter(checkpoint, cosignature), certified_letter(encode(note)), operator_asks_letter(1, "question"),
        operator_hears_letter(2, "reply"), rejoins_letter(3), letter_of(SnapshotAsksLetter{Height{4}, Bytes{1, 2}}),
        letter_of(SnapshotAsksLetter{}),
        letter_of(SnapshotGivesLetter{Height{5}, SnapshotGivesLetter::Manifest{Bytes{3}, base}}),
        letter_of(SnapshotGivesLetter{Height{6}, SnapshotGivesLetter::Chunk{Bytes{4}}}),
        letter_of(SnapshotGivesLetter{Height{7}, SnapshotGivesLetter::Gone{}}), letter_of(PlaceAsksLetter{Height{8}}),
        letter_of(PlaceGivesLetter{Height{9}, base}), letter_of(BlockAsksLetter{Height{10}, 11}),
        letter_of(BlockGivesLetter{Height{12}, {}}), letter_of(BlockGivesLetter{Height{13}, block})}) {
    value_of(read_letter(letter));
    corpus.add("letter", letter);
  }
}

}  // namespace testamur::test
