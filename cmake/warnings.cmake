# What every target of ours is compiled with. Warnings are errors; only mutants, which leave things unused, turn that off.
option(TESTAMUR_WERROR "Warnings are errors" ON)
add_library(testamur_flags INTERFACE)
target_compile_options(testamur_flags INTERFACE
  -Wall -Wextra -Wpedantic $<$<BOOL:${TESTAMUR_WERROR}>:-Werror> -Wshadow -Wconversion -Wsign-conversion
  $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 takes every std::optional inside a std::variant for one that may be read before it is written.
  target_compile_options(testamur_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
endif()
if(TESTAMUR_SANITIZE)
  # The thread sanitizer does not know std::atomic_thread_fence, which Asio puts around handlers; its queues have locks as well.
  if(TESTAMUR_SANITIZE STREQUAL "thread")
    target_compile_definitions(testamur_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
  target_compile_options(testamur_flags INTERFACE
    -fsanitize=${TESTAMUR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(testamur_flags INTERFACE -fsanitize=${TESTAMUR_SANITIZE})
endif()
