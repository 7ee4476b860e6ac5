#include "sample.h"

#include <array>
#include <string_view>

#include <boost/json.hpp>

#include "testamur/ledger/sha256.h"
#include "values.h"

namespace testamur::tool {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 24> kGiven = {
    "Ana",     "Beatriz",   "Carolina", "Daniela", "Eva",   "Filipa", "Graça",  "Inês",
    "Joana",   "Leonor",    "Maria",    "Sofia",   "André", "Bruno",  "Carlos", "Diogo",
    "Eduardo", "Francisco", "Gonçalo",  "Hugo",    "João",  "Luís",   "Miguel", "Tiago"};
constexpr std::array<std::string_view, 20> kFamily = {
    "Almeida", "Antunes", "Barbosa", "Carvalho", "Costa", "Dias",    "Esteves", "Fernandes", "Gonçalves", "Henriques",
    "Lopes",   "Martins", "Neves",   "Oliveira", "Pinto", "Ribeiro", "Santos",  "Silva",     "Teixeira",  "Vieira"};

struct Degree {
  std::string_view name;
  std::string_view field;
};
constexpr std::array<Degree, 10> kDegrees = {
    {{"Licenciatura em Matemática", "Mathematics"},
     {"Licenciatura em Física", "Physics"},
     {"Mestrado em Engenharia Informática", "Computer Science and Engineering"},
     {"Mestrado em Química", "Chemistry"},
     {"Licenciatura em Biologia", "Biology"},
     {"Mestrado em Arquitetura", "Architecture"},
     {"Licenciatura em Direito", "Law"},
     {"Mestrado Integrado em Medicina", "Medicine"},
     {"Licenciatura em História", "History"},
     {"Doutoramento em Linguística", "Linguistics"}}};

/// Bytes that follow from the seed, the index and a word; every choice takes its own.
Hash bytes_of(std::uint64_t seed, std::uint64_t index, std::string_view word) {
  const std::string text =
      "testamur sample " + std::to_string(seed) + " " + std::to_string(index) + " " + std::string(word);
  return sha256(as_bytes(text));
}

/// A number below `bound`, which is small.
std::size_t choice(const Hash& bytes, std::size_t which, std::size_t bound) {
  return (bytes[2 * which] * 256u + bytes[2 * which + 1]) % bound;
}

/// A version 8 UUID (RFC 9562): the bits are our own.
std::string uuid(const Hash& bytes) {
  std::string hex = to_hex(ByteView(bytes).first(16));
  hex[12] = '8';
  hex[16] = "89ab"[bytes[8] % 4];
  return "urn:uuid:" + hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) +
         "-" + hex.substr(20);
}

json::object achievement_of(const Degree& degree) {
  const std::string id = to_hex(ByteView(sha256(as_bytes(degree.name))).first(8));
  return {
      {"id", "https://university.example/achievements/" + id},
      {"type", json::array{"Achievement"}},
      {"achievementType", "Degree"},
      {"name", degree.name},
      {"fieldOfStudy", degree.field},
      {"description", "All courses of the programme are passed."},
      {"criteria", json::object{{"narrative", "The programme's credits are earned and its final work is defended."}}}};
}

}  // namespace

std::string sample_credential(std::uint64_t seed, std::uint64_t index) {
  const Hash bytes = bytes_of(seed, index, "choices");
  const Degree& degree = kDegrees[choice(bytes, 0, kDegrees.size())];
  const std::string name = std::string(kGiven[choice(bytes, 1, kGiven.size())]) + " " +
                           std::string(kFamily[choice(bytes, 2, kFamily.size())]) + " " +
                           std::string(kFamily[choice(bytes, 3, kFamily.size())]);
  // Some day in the July of 2026, at noon.
  const Time awarded{1'782'907'200'000 + choice(bytes, 4, 31) * 86'400'000};
  const json::object credential = {
      {"@context", json::array{"https://www.w3.org/ns/credentials/v2",
                               "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"}},
      {"id", uuid(bytes_of(seed, index, "credential"))},
      {"type", json::array{"VerifiableCredential", "AchievementCredential"}},
      {"name", degree.name},
      {"issuer", json::object{{"id", "https://university.example/issuer"},
                              {"type", json::array{"Profile"}},
                              {"name", "University of Example"},
                              {"url", "https://university.example"}}},
      {"validFrom", format_time(awarded)},
      {"awardedDate", format_time(awarded)},
      {"credentialSubject", json::object{{"id", uuid(bytes_of(seed, index, "subject"))},
                                         {"type", json::array{"AchievementSubject"}},
                                         {"identifier", json::array{json::object{{"type", "IdentityObject"},
                                                                                 {"hashed", false},
                                                                                 {"identityHash", name},
                                                                                 {"identityType", "name"}}}},
                                         {"achievement", achievement_of(degree)}}}};
  return json::serialize(credential) + "\n";
}

}  // namespace testamur::tool
