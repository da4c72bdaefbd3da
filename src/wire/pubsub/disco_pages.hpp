#pragma once

#include "wire/pubsub/request.hpp"
#include "wire/xml/element.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::wire::pubsub {

/// The nodes of a service, or of a collection, page by page (XEP-0059 in disco#items): what is asked next,
/// until all are there. Pure.
///
/// A service without pages passes over what is said of them and answers with all its nodes (Prosody 0.12), or
/// with as many as its own limit has (ejabberd 23.01: the 100 newest, `max_nodes_discoitems`), and nothing in
/// the answer says which; one that refuses the request for that is asked without.
///
/// Bounds  `most_items` and `most_bytes` of names, and `most_last_bytes` for the name of a page's end, which
/// goes into our next request; then it is complete and cut().
class DiscoPages {
public:
    static constexpr std::size_t page_items = 100;
    static constexpr std::size_t most_items = 32'768;
    static constexpr std::size_t most_bytes = 2 * 1024 * 1024;
    static constexpr std::size_t most_last_bytes = 4 * 1024;

    DiscoPages(std::string_view service, std::string_view node) : service_(service), node_(node) {}

    /// Without id and from.
    xml::Element next_request() const;
    enum class Step : std::uint8_t {
        ask,       ///< next_request() once more
        complete,  ///< items() are all that there are
        failed,    ///< it was no answer to next_request()
    };
    Step take_result(const xml::Element& iq);
    Step take_error(const Error& error);

    const std::vector<DiscoItem>& items() const { return items_; }
    bool cut() const { return cut_; }

private:
    bool take_items(std::vector<DiscoItem> items);

    std::string service_;
    std::string node_;
    bool paged_ = true;
    std::string last_;  ///< of the pages so far
    std::vector<DiscoItem> items_;
    std::size_t bytes_ = 0;
    bool cut_ = false;
};

}  // namespace lamplight::wire::pubsub
