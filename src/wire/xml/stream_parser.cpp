#include "wire/xml/stream_parser.hpp"

#include "wire/xml/tag_scanner.hpp"

#include <expat.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace lamplight::wire::xml {
namespace {

/// Between namespace and name in what expat gives; no namespace has it, since expat refuses those.
constexpr char separator = '\n';
constexpr std::string_view xml_namespace = "http://www.w3.org/XML/1998/namespace";
constexpr std::string_view white_space = " \t\r\n";
/// Longest reference in a text: `&#x10FFFF;` and some zeros.
constexpr std::size_t max_reference_bytes = 32;
/// Expat keeps every name it has seen and the room of its longest token until it is made anew.
constexpr std::size_t renew_after_bytes = 64 * 1024;

struct QualifiedName {
    std::string_view ns;
    std::string_view name;
};
QualifiedName split(std::string_view expanded) {
    const auto at = expanded.rfind(separator);
    if (at == std::string_view::npos) return {{}, expanded};
    return {expanded.substr(0, at), expanded.substr(at + 1)};
}

/// Attributes of other namespaces than xml's mean nothing in XMPP: `p:type` must not be taken for `type`.
std::vector<Attribute> read_attributes(const XML_Char** pairs) {
    std::vector<Attribute> out;
    for (; *pairs; pairs += 2) {
        const auto [ns, name] = split(pairs[0]);
        if (ns.empty())
            out.push_back({std::string(name), pairs[1]});
        else if (ns == xml_namespace)
            out.push_back({"xml:" + std::string(name), pairs[1]});
    }
    return out;
}

Flaw flaw_of(XML_Error error) {
    return error == XML_ERROR_UNDEFINED_ENTITY ? Flaw::dtd : Flaw::malformed;
}

bool is_excess(Flaw flaw) {
    return flaw == Flaw::too_deep || flaw == Flaw::too_large || flaw == Flaw::too_many_elements ||
           flaw == Flaw::too_many_attributes;
}

/// Whether a tag opens, closes or does both, of which little has to be kept.
class TagShape {
public:
    void take(std::string_view piece) {
        if (bytes_ <= 1 && bytes_ + piece.size() > 1) second_ = piece[1 - bytes_];
        if (piece.size() > 1) before_last_ = piece[piece.size() - 2];
        if (piece.size() == 1) before_last_ = last_;
        if (!piece.empty()) last_ = piece.back();
        bytes_ += piece.size();
    }
    bool closes() const { return second_ == '/'; }
    bool is_empty() const { return before_last_ == '/'; }

private:
    std::size_t bytes_ = 0;
    char second_ = 0;
    char before_last_ = 0;
    char last_ = 0;
};

struct ParserFree {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using Parser = std::unique_ptr<XML_ParserStruct, ParserFree>;

}  // namespace

std::string_view to_string(Flaw flaw) {
    switch (flaw) {
        case Flaw::malformed:
            return "malformed XML";
        case Flaw::dtd:
            return "document type or entity";
        case Flaw::instruction:
            return "processing instruction or comment";
        case Flaw::too_deep:
            return "too many nested elements";
        case Flaw::too_large:
            return "stanza too large";
        case Flaw::too_many_elements:
            return "too many elements";
        case Flaw::too_many_attributes:
            return "too many attributes";
        case Flaw::after_the_end:
            return "data after the end of the stream";
    }
    return "?";
}

/// Cuts the bytes into tags and texts, counts them, and gives them to expat one by one; what expat calls back
/// builds the tree. Expat sees nothing between stanzas and no tag before its end.
class StreamParser::Impl {
public:
    explicit Impl(const Limits& limits) : limits_(limits) { reset(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    tl::expected<void, Flaw> feed(std::string_view bytes, std::vector<Item>& out) {
        out_ = &out;
        while (!flaw_ && !bytes.empty()) {
            bytes.remove_prefix(step(bytes));
            if (flaw_ && excess_ == Excess::passed_over && stream_ == Stream::open && is_excess(*flaw_))
                begin_to_pass();
        }
        out_ = nullptr;
        if (flaw_) return tl::unexpected(*flaw_);
        return {};
    }

    void reset() {
        make_parser();
        place_ = Place::between;
        stream_ = Stream::expected;
        flaw_.reset();
        stack_.clear();
        content_ns_.clear();
        header_text_.clear();
        held_ = {};
        stanza_bytes_ = elements_ = 0;
        excess_ = Excess::refused;
        passing_.reset();
    }

    void pass_over_excess() { excess_ = Excess::passed_over; }
    const std::array<std::uint64_t, flaw_count>& passed_over() const { return passed_over_; }

    bool in_the_middle() const {
        return place_ != Place::between || (stream_ == Stream::expected && !header_text_.empty());
    }

private:
    enum class Place : std::uint8_t {
        between,  ///< before the header, between stanzas, after the end
        tag,
        text,
        cdata,
    };
    enum class Stream : std::uint8_t { expected, open, closed };
    enum class Excess : std::uint8_t { refused, passed_over };

    // --- bytes to tags and texts; each reads some of the bytes and says how many ---

    std::size_t step(std::string_view bytes) {
        if (passing_) return pass(bytes);
        switch (place_) {
            case Place::between:
                return read_between(bytes);
            case Place::tag:
                return read_tag(bytes);
            case Place::text:
                return read_text(bytes);
            case Place::cdata:
                return read_cdata(bytes);
        }
        return bytes.size();
    }

    std::size_t read_between(std::string_view bytes) {
        const auto at = std::min(bytes.find_first_not_of(white_space), bytes.size());
        if (at == bytes.size()) return at;
        if (stream_ == Stream::closed)
            refuse(Flaw::after_the_end);
        else if (bytes[at] != '<')
            refuse(Flaw::malformed);
        else
            begin_tag();
        return at;
    }

    void begin_tag() {
        place_ = Place::tag;
        const bool at_the_beginning = stream_ == Stream::expected && header_text_.empty();
        scanner_.start(at_the_beginning ? TagScanner::Declaration::allowed
                                        : TagScanner::Declaration::refused);
        shape_ = {};
    }

    std::size_t read_tag(std::string_view bytes) {
        const auto result = scan(bytes.substr(0, allowed() + 1));
        if (scanner_.attributes() > limits_.attributes) refuse(Flaw::too_many_attributes);
        if (!count(result.read)) return result.read;
        if (result.found == TagScanner::Found::more)
            held_.append(bytes.substr(0, result.read));
        else
            end_tag(result.found, bytes.substr(0, result.read));
        return result.read;
    }

    TagScanner::Result scan(std::string_view bytes) {
        const auto result = scanner_.scan(bytes);
        shape_.take(bytes.substr(0, result.read));
        found_ = result.found;
        return result;
    }

    void end_tag(TagScanner::Found found, std::string_view rest) {
        if (!held_.empty()) {
            held_.append(rest);
            rest = held_;
        }
        switch (found) {
            case TagScanner::Found::tag:
            case TagScanner::Found::declaration:
                parse_tag(rest);
                break;
            case TagScanner::Found::cdata:
                if (!stack_.empty() && parse(rest))
                    place_ = Place::cdata;
                else
                    refuse(Flaw::malformed);
                cdata_end_ = 0;
                break;
            case TagScanner::Found::instruction:
                refuse(Flaw::instruction);
                break;
            case TagScanner::Found::dtd:
                refuse(Flaw::dtd);
                break;
            case TagScanner::Found::more:
            case TagScanner::Found::malformed:
                refuse(Flaw::malformed);
                break;
        }
        held_.clear();
    }

    void parse_tag(std::string_view tag) {
        if (stream_ == Stream::expected) header_text_.append(tag);
        if (!parse(tag)) return;
        place_ = stack_.empty() ? Place::between : Place::text;
        reference_bytes_ = 0;
        if (stack_.empty() && stream_ != Stream::expected) end_stanza();
    }

    void end_stanza() {
        stanza_bytes_ = elements_ = 0;
        if (held_.capacity() > renew_after_bytes) held_ = {};
        if (stream_ == Stream::open && parsed_bytes_ > std::max(renew_after_bytes, 4 * header_text_.size()))
            renew();
    }

    std::size_t read_text(std::string_view bytes) {
        const auto read = text_before_tag(bytes.substr(0, allowed() + 1));
        parse_and_count(bytes.substr(0, read));
        if (reference_bytes_ > max_reference_bytes) refuse(Flaw::malformed);
        if (!flaw_ && read < bytes.size()) begin_tag();
        return read;
    }

    /// A reference without an end is the one thing in a text that expat would read again and again.
    std::size_t text_before_tag(std::string_view text) {
        std::size_t at = 0;
        for (; at < text.size() && text[at] != '<' && reference_bytes_ <= max_reference_bytes; ++at) {
            if (text[at] == '&')
                reference_bytes_ = 1;
            else if (text[at] == ';')
                reference_bytes_ = 0;
            else if (reference_bytes_ > 0)
                ++reference_bytes_;
        }
        return at;
    }

    std::size_t read_cdata(std::string_view bytes) {
        const auto read = through_cdata_end(bytes.substr(0, allowed() + 1));
        parse_and_count(bytes.substr(0, read));
        if (cdata_end_ == 3) place_ = Place::text;
        reference_bytes_ = 0;
        return read;
    }

    /// How many bytes belong to the section.
    std::size_t through_cdata_end(std::string_view bytes) {
        for (std::size_t at = 0; at < bytes.size(); ++at)
            if (cdata_ends_with(bytes[at])) return at + 1;
        return bytes.size();
    }

    /// Counts the bytes of `]]>`.
    bool cdata_ends_with(char byte) {
        if (byte == ']')
            cdata_end_ = std::min(cdata_end_ + 1, 2);
        else
            cdata_end_ = cdata_end_ == 2 && byte == '>' ? 3 : 0;
        return cdata_end_ == 3;
    }

    /// What is refused depends on the bytes alone, not on how they were cut: up to the limit they are read.
    void parse_and_count(std::string_view text) {
        const std::string_view in_time = text.substr(0, allowed());
        if (!in_time.empty()) parse(in_time);
        count(text.size());
    }

    // --- what exceeds the limits: its tags' beginnings and ends are looked for, expat sees none of it ---

    void begin_to_pass() {
        passing_ = std::exchange(flaw_, std::nullopt);
        open_ = stack_.size();
        stack_.clear();
        held_ = {};
        if (place_ == Place::tag) pass_tag();
    }

    std::size_t pass(std::string_view bytes) {
        if (place_ == Place::tag) {
            const auto read = scan(bytes).read;
            pass_tag();
            return read;
        }
        if (place_ == Place::cdata) {
            const auto read = through_cdata_end(bytes);
            if (cdata_end_ == 3) place_ = Place::text;
            return read;
        }
        const auto at = std::min(bytes.find('<'), bytes.size());
        if (at < bytes.size()) begin_tag();
        return at;
    }

    /// What was found of the tag so far.
    void pass_tag() {
        switch (found_) {
            case TagScanner::Found::more:
                return;
            case TagScanner::Found::tag:
                return pass_whole_tag();
            case TagScanner::Found::cdata:
                place_ = Place::cdata;
                cdata_end_ = 0;
                if (open_ == 0) refuse(Flaw::malformed);
                return;
            case TagScanner::Found::instruction:
                return refuse(Flaw::instruction);
            case TagScanner::Found::dtd:
                return refuse(Flaw::dtd);
            case TagScanner::Found::declaration:
            case TagScanner::Found::malformed:
                return refuse(Flaw::malformed);
        }
    }

    void pass_whole_tag() {
        place_ = Place::text;
        if (shape_.closes() && open_ == 0) return refuse(Flaw::malformed);
        if (shape_.closes())
            --open_;
        else if (!shape_.is_empty())
            ++open_;
        if (open_ > 0) return;
        ++passed_over_[static_cast<std::size_t>(*passing_)];
        passing_.reset();
        place_ = Place::between;
        stanza_bytes_ = elements_ = 0;
        renew();
    }

    std::size_t allowed() const { return limits_.stanza_bytes - stanza_bytes_; }
    bool count(std::size_t bytes) {
        stanza_bytes_ += bytes;
        if (stanza_bytes_ > limits_.stanza_bytes) refuse(Flaw::too_large);
        return !flaw_;
    }

    void refuse(Flaw flaw) {
        if (!flaw_) flaw_ = flaw;
    }

    // --- expat ---

    void make_parser() {
        // the name of the encoding overrides what the stream says of itself
        parser_.reset(XML_ParserCreateNS("UTF-8", separator));
        XML_SetUserData(parser_.get(), this);
        XML_SetElementHandler(parser_.get(), on_start, on_end);
        XML_SetCharacterDataHandler(parser_.get(), on_text);
        XML_SetNamespaceDeclHandler(parser_.get(), on_namespace, nullptr);
        XML_SetStartDoctypeDeclHandler(parser_.get(), on_doctype);
        XML_SetProcessingInstructionHandler(parser_.get(), on_instruction);
        XML_SetCommentHandler(parser_.get(), on_comment);
#if XML_MAJOR_VERSION > 2 || (XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION >= 6)
        XML_SetReparseDeferralEnabled(parser_.get(), XML_FALSE);
#endif
        parsed_bytes_ = 0;
    }

    /// Another parser in the same stream.
    void renew() {
        make_parser();
        stream_ = Stream::expected;
        std::vector<Item> passed_over;
        std::vector<Item>* const out = std::exchange(out_, &passed_over);
        parse(header_text_);
        out_ = out;
    }

    bool parse(std::string_view bytes) {
        parsed_bytes_ += bytes.size();
        if (XML_Parse(parser_.get(), bytes.data(), static_cast<int>(bytes.size()), XML_FALSE) !=
            XML_STATUS_OK)
            refuse(flaw_of(XML_GetErrorCode(parser_.get())));
        return !flaw_;
    }

    void stop(Flaw flaw) {
        refuse(flaw);
        XML_StopParser(parser_.get(), XML_FALSE);
    }

    void start(const XML_Char* expanded, const XML_Char** attributes) {
        const auto [ns, name] = split(expanded);
        if (stream_ == Stream::expected) return open_stream(ns, name, attributes);
        if (stack_.size() >= limits_.depth) return stop(Flaw::too_deep);
        if (++elements_ > limits_.elements) return stop(Flaw::too_many_elements);
        Element& element = stack_.emplace_back(std::string(name), std::string(ns));
        element.attributes = read_attributes(attributes);
    }

    void open_stream(std::string_view ns, std::string_view name, const XML_Char** attributes) {
        stream_ = Stream::open;
        StreamOpened opened{Element(std::string(name), std::string(ns)), content_ns_};
        opened.header.attributes = read_attributes(attributes);
        out_->emplace_back(std::move(opened));
    }

    void end() {
        if (stack_.empty()) {
            stream_ = Stream::closed;
            out_->emplace_back(StreamClosed{});
            return;
        }
        Element element = std::move(stack_.back());
        stack_.pop_back();
        if (stack_.empty())
            out_->emplace_back(std::move(element));
        else
            stack_.back().children.push_back(std::move(element));
    }

    void declare(const XML_Char* prefix, const XML_Char* uri) {
        const std::string_view ns = uri ? uri : "";
        if (ns.size() > limits_.namespace_bytes) return stop(Flaw::too_large);
        if (!prefix && stream_ == Stream::expected) content_ns_ = ns;
    }

    static Impl& self(void* data) { return *static_cast<Impl*>(data); }
    static void on_start(void* data, const XML_Char* name, const XML_Char** attributes) {
        if (!self(data).flaw_) self(data).start(name, attributes);
    }
    static void on_end(void* data, const XML_Char*) {
        if (!self(data).flaw_) self(data).end();
    }
    static void on_text(void* data, const XML_Char* text, int length) {
        Impl& impl = self(data);
        if (!impl.flaw_ && !impl.stack_.empty())
            impl.stack_.back().add_text({text, static_cast<std::size_t>(length)});
    }
    static void on_namespace(void* data, const XML_Char* prefix, const XML_Char* uri) {
        if (!self(data).flaw_) self(data).declare(prefix, uri);
    }
    static void on_doctype(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
        self(data).stop(Flaw::dtd);
    }
    static void on_instruction(void* data, const XML_Char*, const XML_Char*) {
        self(data).stop(Flaw::instruction);
    }
    static void on_comment(void* data, const XML_Char*) { self(data).stop(Flaw::instruction); }

    const Limits limits_;
    Parser parser_;
    TagScanner scanner_;
    Place place_ = Place::between;
    Stream stream_ = Stream::expected;
    std::optional<Flaw> flaw_;
    std::vector<Element> stack_;  ///< the open elements of a stanza, the stream's own left out
    std::vector<Item>* out_ = nullptr;
    std::string content_ns_;
    std::string header_text_;  ///< as it came, for the next parser
    std::string held_;         ///< of a tag whose end has not come
    std::size_t stanza_bytes_ = 0;
    std::size_t elements_ = 0;
    std::size_t parsed_bytes_ = 0;  ///< since the parser was made
    std::size_t reference_bytes_ = 0;
    int cdata_end_ = 0;
    TagShape shape_;
    TagScanner::Found found_ = TagScanner::Found::more;
    Excess excess_ = Excess::refused;
    std::optional<Flaw> passing_;  ///< what the stanza exceeds that is passed over
    std::size_t open_ = 0;         ///< elements of it
    std::array<std::uint64_t, flaw_count> passed_over_{};
};

StreamParser::StreamParser(const Limits& limits) : impl_(std::make_unique<Impl>(limits)) {}
StreamParser::~StreamParser() = default;
StreamParser::StreamParser(StreamParser&&) noexcept = default;
StreamParser& StreamParser::operator=(StreamParser&&) noexcept = default;

tl::expected<void, Flaw> StreamParser::feed(std::string_view bytes, std::vector<Item>& out) {
    return impl_->feed(bytes, out);
}
void StreamParser::pass_over_excess() {
    impl_->pass_over_excess();
}
const std::array<std::uint64_t, flaw_count>& StreamParser::passed_over() const {
    return impl_->passed_over();
}
void StreamParser::reset() {
    impl_->reset();
}
bool StreamParser::in_the_middle() const {
    return impl_->in_the_middle();
}

}  // namespace lamplight::wire::xml
