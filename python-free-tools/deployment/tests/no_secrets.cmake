# cmake -DNM=.. -DSERVER=.. -DCLIENT=.. -P no_secrets.cmake: the server's command has no symbol that
# touches a secret key, and the client's has, which shows that the words are the right ones.
set(words "SecretKey|decryptPhases|generateKeyswitchRows|generateBootstrapElement|encryptFresh|fhe_client_key|fhe_decrypt|fhe_encrypt|fhe_evaluation_key_generate|addGaussian|sampleBits")
foreach(program SERVER CLIENT)
  execute_process(COMMAND ${NM} -C ${${program}} COMMAND grep -E ${words}
                  OUTPUT_VARIABLE ${program}_found RESULTS_VARIABLE status)
  list(GET status 0 nm_status)
  if(NOT nm_status EQUAL 0)
    message(FATAL_ERROR "${NM} failed on ${${program}}")
  endif()
endforeach()
if(NOT CLIENT_found)
  message(FATAL_ERROR "no symbol of ${CLIENT} matches: this test looks for the wrong words")
endif()
if(SERVER_found)
  message(FATAL_ERROR "${SERVER} contains symbols that touch a secret:\n${SERVER_found}")
endif()
