# Third-party libraries, one imported name each. With GAPFERRY_STATIC_LIBS the archives of the
# system are linked and --gc-sections leaves only what is used: a dynamic libarchive would load
# libxml2, which imports socket functions, and more than double the start-up time.
find_package(Threads REQUIRED)

function(gapferry_library name header static_deps)
  find_path(${name}_INCLUDE ${header} REQUIRED)
  if(GAPFERRY_STATIC_LIBS)
    find_library(${name}_LIBRARY NAMES lib${name}.a REQUIRED)
  else()
    find_library(${name}_LIBRARY NAMES ${name} REQUIRED)
    set(static_deps "")
  endif()
  add_library(ext-${name} INTERFACE)
  target_include_directories(ext-${name} SYSTEM INTERFACE ${${name}_INCLUDE})
  target_link_libraries(ext-${name} INTERFACE ${${name}_LIBRARY} ${static_deps})
endfunction()

gapferry_library(sodium sodium.h "Threads::Threads")
gapferry_library(zstd zstd.h "Threads::Threads")
gapferry_library(archive archive.h "")
gapferry_library(z zlib.h "")

find_path(cjson_INCLUDE cjson/cJSON.h REQUIRED)
find_library(cjson_LIBRARY NAMES cjson REQUIRED)
add_library(ext-cjson INTERFACE)
target_include_directories(ext-cjson SYSTEM INTERFACE ${cjson_INCLUDE})
target_link_libraries(ext-cjson INTERFACE ${cjson_LIBRARY})

gapferry_library(sqlite3 sqlite3.h "m;Threads::Threads")

find_path(curl_INCLUDE curl/curl.h REQUIRED)
find_library(curl_LIBRARY NAMES curl REQUIRED)
add_library(ext-curl INTERFACE)
target_include_directories(ext-curl SYSTEM INTERFACE ${curl_INCLUDE})
target_link_libraries(ext-curl INTERFACE ${curl_LIBRARY})
if(GAPFERRY_STATIC_LIBS)
  # What libarchive.a names of zlib and others is dropped with the sections that name it, but the
  # linker minds once it sees these libraries behind libcurl; so it may take them from there.
  target_link_options(ext-curl INTERFACE -Wl,--copy-dt-needed-entries)
endif()

find_path(microhttpd_INCLUDE microhttpd.h REQUIRED)
find_library(microhttpd_LIBRARY NAMES microhttpd REQUIRED)
add_library(ext-microhttpd INTERFACE)
target_include_directories(ext-microhttpd SYSTEM INTERFACE ${microhttpd_INCLUDE})
target_link_libraries(ext-microhttpd INTERFACE ${microhttpd_LIBRARY})
