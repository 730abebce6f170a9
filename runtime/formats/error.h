//===- error.h - How the runtime reports failures -----------------------------------------===//
//
// Inside, a failure is an exception that carries a status and one sentence. No exception leaves the
// C interface or passes through generated code: `guarded` turns every one of them into a status and
// the thread's last error.
//
//===--------------------------------------------------------------------------------------===//
#ifndef FHE_RUNTIME_FORMATS_ERROR_H
#define FHE_RUNTIME_FORMATS_ERROR_H

#include "runtime/include/fhe/common.h"

#include <exception>
#include <functional>
#include <string>

namespace fhe::runtime {

class Failure : public std::exception {
public:
  Failure(fhe_status status, std::string message) : code(status), text(std::move(message)) {}
  fhe_status status() const { return code; }
  const char *what() const noexcept override { return text.c_str(); }

private:
  fhe_status code;
  std::string text;
};

/// Throws a Failure unless `condition`.
inline void require(bool condition, fhe_status status, const char *message) {
  if (!condition)
    throw Failure(status, message);
}

/// Runs `body`; its exceptions become a status and fhe_last_error().
fhe_status guarded(const std::function<void()> &body) noexcept;

/// Sets the last error and returns `status`.
fhe_status fail(fhe_status status, const std::string &message) noexcept;

} // namespace fhe::runtime

#endif // FHE_RUNTIME_FORMATS_ERROR_H
