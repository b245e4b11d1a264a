#pragma once

// OpenSSL's libcrypto, which librabbitmq brings along anyway: digests, and nothing else of it.
#include <openssl/evp.h>
