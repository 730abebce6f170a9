//===- error.cpp - Status texts and the thread's last error -------------------------------===//
#include "runtime/formats/error.h"

#include <new>

namespace fhe::runtime {

static thread_local std::string lastError;

fhe_status fail(fhe_status status, const std::string &message) noexcept {
  try {
    lastError = message;
  } catch (...) {
    lastError.clear();
  }
  return status;
}

fhe_status guarded(const std::function<void()> &body) noexcept {
  try {
    body();
    return FHE_OK;
  } catch (const Failure &failure) {
    return fail(failure.status(), failure.what());
  } catch (const std::bad_alloc &) {
    return fail(FHE_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &error) {
    return fail(FHE_INTERNAL, error.what());
  } catch (...) {
    return fail(FHE_INTERNAL, "unknown exception");
  }
}

} // namespace fhe::runtime

const char *fhe_last_error(void) { return fhe::runtime::lastError.c_str(); }

const char *fhe_version(void) { return FHE_VERSION_TEXT; }

const char *fhe_status_text(fhe_status status) {
  switch (status) {
  case FHE_OK:
    return "success";
  case FHE_INVALID_ARGUMENT:
    return "invalid argument";
  case FHE_INVALID_MANIFEST:
    return "invalid manifest";
  case FHE_INVALID_DATA:
    return "invalid key or ciphertext data";
  case FHE_INVALID_MODEL:
    return "invalid model object";
  case FHE_UNSUPPORTED:
    return "not supported by this version of the library";
  case FHE_MISMATCH:
    return "key, ciphertexts and model do not belong together";
  case FHE_INSECURE_PARAMETERS:
    return "parameters below the security curve";
  case FHE_OUT_OF_MEMORY:
    return "out of memory";
  case FHE_IO:
    return "reading or writing failed";
  case FHE_NO_RANDOMNESS:
    return "the operating system gave no randomness";
  case FHE_CANCELLED:
    return "cancelled";
  case FHE_INTERNAL:
    return "internal error";
  default:
    return "unknown status";
  }
}
