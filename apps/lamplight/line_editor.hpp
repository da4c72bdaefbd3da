#pragma once

#include <histedit.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace lamplight::app {

/// A line of input at a terminal: editing, history, completion, and lines of others shown above the prompt.
/// One a process; libedit stays in here.
class LineEditor {
public:
    struct Hooks {
        std::function<std::string()> prompt;
        std::function<std::vector<std::string>(const std::string& line)> complete;
        /// What is worth knowing about the line typed so far, ready to print; for `?`.
        std::function<std::string(const std::string& line)> help;
        std::function<int()> descriptor;  ///< to listen to while nobody types; -1: none
        /// It is ready, or a second has passed without one; false ends the input.
        std::function<bool()> on_news;
    };

    LineEditor(Hooks hooks, const std::filesystem::path& history_file);
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    /// Without its line end; empty at the end of input. Lines that say something go to the history.
    std::optional<std::string> read_line();
    /// Prints above the line being edited, which is drawn anew.
    void show(const std::string& line);

private:
    static LineEditor& self(EditLine* edit);
    static char* on_prompt(EditLine* edit);
    static int on_read(EditLine* edit, wchar_t* character);
    static unsigned char on_complete(EditLine* edit, int);
    static unsigned char on_help(EditLine* edit, int);

    int read_character(wchar_t* character);
    int take_byte(wchar_t* character);
    unsigned char complete();
    unsigned char help();
    std::string line_before_cursor() const;
    void replace_begun(const std::string& begun, const std::string& word, bool whole);
    void remember(const std::string& line);

    Hooks hooks_;
    std::string history_file_;
    EditLine* edit_;
    History* history_;
    std::string prompt_;
    std::string bytes_;  ///< of a character not yet whole
    bool editing_ = false;
    bool shown_ = false;  ///< something was printed: the line must be drawn again
};

}  // namespace lamplight::app
