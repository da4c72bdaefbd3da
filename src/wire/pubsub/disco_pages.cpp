#include "wire/pubsub/disco_pages.hpp"

#include "wire/pubsub/names.hpp"

#include <utility>

namespace lamplight::wire::pubsub {

xml::Element DiscoPages::next_request() const {
    xml::Element request = disco_items(service_, node_);
    if (!paged_) return request;
    xml::Element& set = request.children.front().add("set", std::string(ns::pages));
    set.add("max").add_text(std::to_string(page_items));
    if (!last_.empty()) set.add("after").add_text(last_);
    return request;
}

/// An end that says so by a page without items or without a last one, and one that does not: the same page
/// again.
DiscoPages::Step DiscoPages::take_result(const xml::Element& iq) {
    auto items = parse_disco_items(iq);
    if (!items) return Step::failed;
    const bool any = !items->empty();
    if (!take_items(std::move(*items))) return Step::complete;
    const xml::Element* const query = iq.child("query", ns::disco_items);
    const xml::Element* const set = query != nullptr ? query->child("set", ns::pages) : nullptr;
    if (!paged_ || set == nullptr || !any) return Step::complete;
    std::string last(set->text_of("last", ns::pages));
    if (last.empty() || last == last_) return Step::complete;
    cut_ = last.size() > most_last_bytes;
    if (cut_) return Step::complete;
    last_ = std::move(last);
    return set->text_of("count", ns::pages) == std::to_string(items_.size()) ? Step::complete : Step::ask;
}

DiscoPages::Step DiscoPages::take_error(const Error& error) {
    const bool blames_pages = error.is("bad-request") || error.is("feature-not-implemented") ||
                              error.is("not-acceptable") || error.is("service-unavailable");
    if (!paged_ || !items_.empty() || !blames_pages) return Step::failed;
    paged_ = false;
    return Step::ask;
}

/// False at a bound.
bool DiscoPages::take_items(std::vector<DiscoItem> items) {
    for (DiscoItem& item : items) {
        bytes_ += item.jid.size() + item.node.size() + item.name.size();
        cut_ = items_.size() == most_items || bytes_ > most_bytes;
        if (cut_) return false;
        items_.push_back(std::move(item));
    }
    return true;
}

}  // namespace lamplight::wire::pubsub
