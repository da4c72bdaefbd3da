// A stream from a server: refused or read within the limits, the same however it is cut (the first byte says
// where), and every stanza is the same after it was written and read again. Where excess is passed over, all
// that comes before it is the same.
#include "wire/xml/stream_parser.hpp"
#include "wire/xml/write.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

using namespace lamplight::wire::xml;

namespace {

constexpr Limits limits{
    .depth = 6, .stanza_bytes = 2'000, .elements = 40, .attributes = 6, .namespace_bytes = 40};

void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    std::vector<std::string> items;
    std::vector<Element> stanzas;
    std::optional<Flaw> flaw;
    bool in_the_middle = false;
    std::array<std::uint64_t, flaw_count> passed_over{};
};
enum class Excess : std::uint8_t { refused, passed_over };

void note(const std::vector<Item>& items, Outcome& out) {
    for (const Item& item : items) {
        if (const auto* opened = std::get_if<StreamOpened>(&item)) {
            out.items.push_back(opened->content_ns + ">" + to_text(opened->header));
        } else if (const auto* element = std::get_if<Element>(&item)) {
            out.items.push_back(to_text(*element));
            out.stanzas.push_back(*element);
        } else {
            out.items.emplace_back("closed");
        }
    }
}

Outcome read(std::string_view bytes, std::size_t piece, Excess excess) {
    StreamParser parser(limits);
    if (excess == Excess::passed_over) parser.pass_over_excess();
    Outcome out;
    for (; !bytes.empty() && !out.flaw; bytes.remove_prefix(std::min(piece, bytes.size()))) {
        std::vector<Item> items;
        if (const auto done = parser.feed(bytes.substr(0, piece), items); !done) out.flaw = done.error();
        note(items, out);
    }
    out.in_the_middle = parser.in_the_middle();
    out.passed_over = parser.passed_over();
    return out;
}

struct Size {
    std::size_t elements = 0, depth = 0;
};
Size measure(const Element& element) {
    require(element.attributes.size() <= limits.attributes && element.ns.size() <= limits.namespace_bytes);
    Size out;
    for (const Element& each : element.children) {
        const Size size = measure(each);
        out.elements += size.elements;
        out.depth = std::max(out.depth, size.depth);
    }
    return {out.elements + 1, out.depth + 1};
}

/// What has no namespace is written as if it had its parent's.
bool has_namespaces(const Element& element) {
    return !element.ns.empty() && std::ranges::all_of(element.children, has_namespaces);
}

void check(const Element& stanza) {
    const Size size = measure(stanza);
    require(size.depth <= limits.depth && size.elements <= limits.elements);
    if (!has_namespaces(stanza)) return;
    StreamParser parser;
    std::vector<Item> items;
    require(parser.feed("<s xmlns='jabber:client'>" + to_text(stanza), items).has_value());
    require(items.size() == 2 && std::get<Element>(items[1]) == stanza);
}

Outcome read_in_two_ways(std::string_view bytes, std::size_t piece, Excess excess) {
    Outcome whole = read(bytes, std::string_view::npos, excess);
    const Outcome pieces = read(bytes, piece, excess);
    require(whole.items == pieces.items && whole.flaw == pieces.flaw);
    require(whole.passed_over == pieces.passed_over);
    require(whole.flaw || whole.in_the_middle == pieces.in_the_middle);
    require(!whole.flaw || to_string(*whole.flaw) != "?");
    for (const Element& stanza : whole.stanzas)
        check(stanza);
    return whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = std::size_t{data[0]} + 1;
    const Outcome strict = read_in_two_ways(bytes, piece, Excess::refused);
    const Outcome patient = read_in_two_ways(bytes, piece, Excess::passed_over);
    require(patient.items.size() >= strict.items.size());
    require(std::equal(strict.items.begin(), strict.items.end(), patient.items.begin()));
    require(strict.flaw || (!patient.flaw && patient.items.size() == strict.items.size()));
    return 0;
}
