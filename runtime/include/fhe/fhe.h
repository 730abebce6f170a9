/* fhe/fhe.h: client and server in one program. See fhe/client.h, fhe/server.h, fhe/common.h. */
#ifndef FHE_FHE_H
#define FHE_FHE_H

#include "fhe/client.h"
#include "fhe/server.h"

#endif /* FHE_FHE_H */
