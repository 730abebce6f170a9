//===- Command.h - The command line that help lines repeat ------------------------===//
//
// A help line is a command one can paste: what was typed, with one flag changed.
//
//===---------------------------------------------------------------------------===//
#ifndef PASSES_PIPELINE_COMMAND_H
#define PASSES_PIPELINE_COMMAND_H

#include <algorithm>
#include <string>
#include <vector>

namespace fhe {

/// One word of a command as a shell takes it.
inline std::string shellWord(const std::string &text) {
  if (!text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789_-+=:,./@%^") == std::string::npos)
    return text;
  std::string quoted = "'";
  for (char c : text)
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// `words` (the program first) as one line, without `flags` (each with one value, "--flag value" or
/// "--flag=value"; "-fvalue" where it is a letter). Without words a command of the form all have.
inline std::string commandWithout(const std::vector<std::string> &words,
                                  const std::vector<std::string> &flags) {
  if (words.empty())
    return "fhe-compile MODEL.onnx";
  std::string command = words.front();
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string &word = words[i];
    if (std::find(flags.begin(), flags.end(), word) != flags.end()) {
      ++i; // and its value
      continue;
    }
    bool dropped = std::any_of(flags.begin(), flags.end(), [&](const std::string &flag) {
      bool isShort = flag.size() == 2; // "-oFILE"
      return word.compare(0, flag.size() + !isShort, isShort ? flag : flag + "=") == 0;
    });
    if (!dropped)
      command += " " + shellWord(word);
  }
  return command;
}

} // namespace fhe

#endif // PASSES_PIPELINE_COMMAND_H
