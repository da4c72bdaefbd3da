// A client's stream for tests of src/c2s: makes one with the account of its arguments, takes commands on its
// input, a line each, and says what it sees in JSON, a line each, with the time in seconds.
//
//     stream_probe jid=alice@example.test/x secret=… [host=…] [port=…] [srv=yes] [tls=none|starttls|direct]
//                  [verify=no] [ca=FILE] [certificate=FILE] [key=FILE] [login=legacy] [register=yes]
//                  [patience_ms=…] [descriptors=COUNT]
//
//     start                 a stream; also another one when the last has ended
//     send XML              a stanza          keepalive
//     flood COUNT SIZE      numbered messages to ourselves, all in one turn of the loop
//     state                 state, peer, TLS, unsent bytes
//     close | drop          says goodbye; and lets go at once
//     on EVENT close|drop   does so from within the next call of that name: state, bound, stanza, line,
//     traffic,
//                           drained, end
//     echo TEXT             comes back, when all before it was obeyed
//     end                   also at the end of the input
#include "c2s/stream.hpp"
#include "wire/xml/stream_parser.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <istream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace lamplight::c2s {

namespace {

namespace json = boost::json;

void say(json::object event) {
    event["time"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    const std::string line = json::serialize(event);
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    std::fflush(stdout);
}

using Options = std::map<std::string, std::string, std::less<>>;

Options options_of(int count, char** words) {
    Options out;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        const auto equals = word.find('=');
        out.emplace(word.substr(0, equals), equals == std::string_view::npos ? "" : word.substr(equals + 1));
    }
    return out;
}

std::string value(const Options& options, std::string_view name, std::string_view otherwise = {}) {
    const auto found = options.find(name);
    return found == options.end() ? std::string(otherwise) : found->second;
}

Account account_of(const Options& options) {
    Account account;
    account.jid = parse_jid(value(options, "jid")).value();
    account.secret = value(options, "secret");
    account.host = value(options, "host");
    account.port = static_cast<std::uint16_t>(std::stoul(value(options, "port", "5222")));
    account.srv = value(options, "srv") == "yes" ? Account::Srv::yes : Account::Srv::no;
    const std::string tls = value(options, "tls", "starttls");
    if (tls == "none") account.tls = Account::Tls::none;
    if (tls == "direct") account.tls = Account::Tls::direct;
    account.verify = value(options, "verify") == "no" ? Account::Verify::no : Account::Verify::yes;
    account.ca_file = value(options, "ca");
    account.certificate = value(options, "certificate");
    account.private_key = value(options, "key");
    if (value(options, "login") == "legacy") account.login = Account::Login::legacy;
    if (value(options, "register") == "yes") account.register_account = Account::Register::yes;
    account.place = "jabber.conf:14";
    return account;
}

/// What elements a text has.
std::vector<wire::xml::Element> elements_of(std::string_view text) {
    wire::xml::StreamParser parser;
    std::vector<wire::xml::Item> items;
    (void)parser.feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
                      items);
    (void)parser.feed(text, items);
    std::vector<wire::xml::Element> out;
    for (wire::xml::Item& item : items)
        if (auto* element = std::get_if<wire::xml::Element>(&item)) out.push_back(std::move(*element));
    return out;
}

/// So that the stream's descriptors have numbers beyond.
void hold_descriptors(std::size_t count) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, count + 256);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    for (std::size_t i = 0; i < count; ++i)
        if (::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) std::abort();
}

class Probe {
public:
    explicit Probe(const Options& options)
        : account_(account_of(options)), patience_(std::stoul(value(options, "patience_ms", "15000"))) {
        hold_descriptors(std::stoul(value(options, "descriptors", "0")));
    }

    void run() {
        say({{"event", "started"}});
        read();
        loop_.run();
        stream_.reset();
        say({{"event", "ended"}});
    }

private:
    Stream::Owner owner() {
        return {
            .on_state = [this](State state) { report("state", {{"state", to_string(state)}}); },
            .on_bound = [this](const Bound& bound) { take(bound); },
            .on_stanza =
                [this](const wire::xml::Element& stanza) {
                    report("stanza", {{"name", stanza.name}, {"id", stanza.value_of("id")}});
                },
            .on_end =
                [this](const Failure& failure) {
                    report("end", {{"kind", to_string(failure.kind)},
                                   {"text", failure.text},
                                   {"what_to_do", failure.what_to_do}});
                },
            .on_drained = [this] { report("drained", {{"unsent", stream_->unsent_bytes()}}); },
            .on_traffic =
                [this](Stream::Owner::Way way, std::string_view xml) {
                    report("traffic", {{"way", way == Stream::Owner::Way::in ? "in" : "out"},
                                       {"xml", xml.substr(0, 2000)}});
                },
            .wants_traffic = {},
            .on_line =
                [this](const Login::Output::Line& line) {
                    const bool is_warning = line.level == Login::Output::Line::Level::warning;
                    report("line", {{"level", is_warning ? "warning" : "notice"}, {"text", line.text}});
                },
        };
    }

    void take(const Bound& bound) {
        json::array features;
        for (const wire::xml::Element& feature : bound.features)
            features.emplace_back(feature.name);
        report("bound", {{"jid", to_string(bound.jid)},
                         {"mechanism", bound.mechanism},
                         {"registered", bound.registered},
                         {"features", std::move(features)}});
    }

    /// Says it, and does what is to be done from within.
    void report(std::string_view event, json::object more) {
        more["event"] = event;
        say(std::move(more));
        const auto found = deeds_.find(event);
        if (found == deeds_.end()) return;
        const std::string deed = found->second;
        deeds_.erase(found);
        deed == "drop" ? drop() : close();
    }

    void start() {
        stream_ = std::make_unique<Stream>(loop_, account_, owner(), patience_);
        stream_->start();
        say({{"event", "start"}, {"state", to_string(stream_->state())}});
    }

    void close() {
        stream_->close([] { say({{"event", "closed"}}); });
        say({{"event", "close"}});
    }

    void drop() {
        stream_.reset();
        say({{"event", "drop"}});
    }

    void flood(std::size_t count, std::size_t size) {
        wire::xml::Element message("message", "jabber:client");
        message.set("to", to_string(account_.jid.bare()));
        message.set("id", "").add("body", "jabber:client").add_text(std::string(size, 'x'));
        std::size_t most = 0;
        for (std::size_t i = 0; i < count; ++i) {
            message.set("id", std::to_string(i));
            stream_->send(message);
            most = std::max(most, stream_->unsent_bytes());
        }
        say({{"event", "flood"}, {"most_unsent", most}});
    }

    void state() {
        json::object out{{"event", "now"},
                         {"state", to_string(stream_->state())},
                         {"peer", stream_->peer()},
                         {"unsent", stream_->unsent_bytes()}};
        if (const auto tls = stream_->tls())
            out["tls"] = {{"protocol", tls->protocol},
                          {"cipher", tls->cipher},
                          {"verified", tls->verified},
                          {"end", std::chrono::system_clock::to_time_t(tls->certificate_end)}};
        say(std::move(out));
    }

    void read() {
        boost::asio::async_read_until(input_, buffer_, '\n',
                                      [this](boost::system::error_code error, std::size_t) {
                                          if (error) return loop_.stop();
                                          std::istream in(&buffer_);
                                          std::string line;
                                          std::getline(in, line);
                                          obey(line);
                                          read();
                                      });
    }

    void obey(const std::string& line) {
        std::istringstream words(line);
        std::string verb;
        words >> verb >> std::ws;
        if (verb == "end") return loop_.stop();
        if (verb == "start") return start();
        if (verb == "echo") return say({{"event", "echo"}, {"text", line.substr(5)}});
        if (verb == "on") {
            std::string event;
            words >> event;
            words >> deeds_[event];
        }
        if (stream_) obey(verb, words);
    }

    void obey(const std::string& verb, std::istream& words) {
        if (verb == "close") close();
        if (verb == "drop") drop();
        if (verb == "state") state();
        if (verb == "keepalive") stream_->send_keepalive();
        if (verb == "flood") {
            std::size_t count = 0;
            std::size_t size = 0;
            words >> count >> size;
            flood(count, size);
        }
        if (verb == "send") {
            std::string text;
            std::getline(words, text);
            for (const wire::xml::Element& element : elements_of(text))
                stream_->send(element);
        }
    }

    boost::asio::io_context loop_;
    boost::asio::posix::stream_descriptor input_{loop_, ::dup(STDIN_FILENO)};
    boost::asio::streambuf buffer_;
    const Account account_;
    const std::chrono::milliseconds patience_;
    Options deeds_;
    std::unique_ptr<Stream> stream_;
};

}  // namespace

}  // namespace lamplight::c2s

int main(int count, char** words) {
    lamplight::c2s::Probe(lamplight::c2s::options_of(count, words)).run();
    return 0;
}
