#include "wire/xml/tag_scanner.hpp"

namespace lamplight::wire::xml {
namespace {

constexpr std::string_view cdata_start = "<![CDATA[";

}  // namespace

void TagScanner::start(Declaration declaration) {
    *this = TagScanner();
    declaration_ = declaration;
}

TagScanner::Result TagScanner::scan(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i)
        if (const Found found = step(bytes[i]); found != Found::more) return {i + 1, found};
    return {bytes.size(), Found::more};
}

TagScanner::Found TagScanner::step(char byte) {
    if (byte == '\0') return Found::malformed;
    switch (place_) {
        case Place::outside:
            place_ = Place::opened;
            return byte == '<' ? Found::more : Found::malformed;
        case Place::opened:
            return open(byte);
        case Place::markup:
            return markup(byte);
        case Place::apostrophes:
            if (byte == '\'') place_ = Place::markup;
            return Found::more;
        case Place::quotes:
            if (byte == '"') place_ = Place::markup;
            return Found::more;
        case Place::exclamation:
            return exclamation(byte);
        case Place::question: {
            const bool ended = last_ == '?' && byte == '>';
            last_ = byte;
            return ended ? Found::declaration : Found::more;
        }
    }
    return Found::malformed;
}

TagScanner::Found TagScanner::open(char byte) {
    if (byte == '!') {
        place_ = Place::exclamation;
        matched_ = 2;
        return Found::more;
    }
    if (byte == '?') {
        place_ = Place::question;
        return declaration_ == Declaration::allowed ? Found::more : Found::instruction;
    }
    place_ = Place::markup;
    return markup(byte);
}

TagScanner::Found TagScanner::markup(char byte) {
    switch (byte) {
        case '>':
            return Found::tag;
        case '<':
            return Found::malformed;
        case '\'':
            place_ = Place::apostrophes;
            break;
        case '"':
            place_ = Place::quotes;
            break;
        case '=':
            ++attributes_;
            break;
        default:
            break;
    }
    return Found::more;
}

TagScanner::Found TagScanner::exclamation(char byte) {
    if (byte == cdata_start[matched_]) return ++matched_ == cdata_start.size() ? Found::cdata : Found::more;
    if (matched_ > 2) return Found::malformed;
    if (byte == '-') return Found::instruction;
    return byte >= 'A' && byte <= 'Z' ? Found::dtd : Found::malformed;
}

}  // namespace lamplight::wire::xml
