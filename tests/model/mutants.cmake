# The mistakes that the models must find. Each is one change of the code that ships; a change whose text is no
# longer there stops the configuration, so that none can be lost unseen.
#
# callwarden_mutant(<name> <model> <file> <text> <replacement>): the program counter_mutant_<name> and a test that
# passes when <model> breaks.
function(callwarden_mutant name model file text replacement)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/mutants/${name}")
  file(READ "${PROJECT_SOURCE_DIR}/lib/${file}" source)
  string(FIND "${source}" "${text}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "mutant ${name}: lib/${file} no longer has the text that it changes:\n${text}")
  endif()
  string(REPLACE "${text}" "${replacement}" source "${source}")
  file(CONFIGURE OUTPUT "${folder}/lib/${file}" CONTENT "${source}" @ONLY)
  add_executable(counter_mutant_${name} model/counter_models.cc)
  target_include_directories(counter_mutant_${name} BEFORE PRIVATE "${folder}")
  target_compile_definitions(counter_mutant_${name} PRIVATE CALLWARDEN_MUTANT_MODEL=${model})
  callwarden_model_settings(counter_mutant_${name})
  add_test(NAME counter_mutant_${name} COMMAND counter_mutant_${name})
  set_tests_properties(counter_mutant_${name} PROPERTIES LABELS model TIMEOUT 300)
endfunction()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/lib/counter_core-inl.h" "${PROJECT_SOURCE_DIR}/lib/counter_words.h")

# The window is reset when it is another one, not when it is over.
callwarden_mutant(reset_on_difference Roll counter_words.h
  "if (now_ns < Word::EndNs(end)) return {end, Word::Used(word)};"
  "if (end == Word::EndAfter(window, now_ns)) return {end, Word::Used(word)};")
# A refund that does not look at the window.
callwarden_mutant(blind_refund LateRefund counter_words.h
  "if (Word::End(word) != token.stamp || Word::Used(word) == Word::kSaturated) return false;"
  "if (Word::Used(word) == Word::kSaturated) return false;")
# Check, then act.
callwarden_mutant(check_then_act OneWord counter_core-inl.h
  "if (target.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
        word = next;"
  "target.store(next, std::memory_order_release);
      {
        word = next;")
# An addition that nothing checks, on a slot that another key may take.
callwarden_mutant(fetch_add_on_reusable_slot Reuse counter_core-inl.h
  "if (target.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
        word = next;"
  "target.fetch_add(next - word, std::memory_order_acq_rel);
      {
        word = next;")
# The identity is read before the word.
callwarden_mutant(identity_before_word Reuse counter_core-inl.h
  "word = target.load(std::memory_order_acquire);
    for (;;) {
      if (word == kSealed || !Holds(payload, key.fp, key.check)) return Step::kMoved;"
  "const bool holds = Holds(payload, key.fp, key.check);
    word = target.load(std::memory_order_acquire);
    for (;;) {
      if (word == kSealed || !holds) return Step::kMoved;")
# A new word that does not carry its identity with it.
callwarden_mutant(word_published_relaxed Reuse counter_core-inl.h
  "WordOf(payload, shape.format).store(word, std::memory_order_release);"
  "WordOf(payload, shape.format).store(word, std::memory_order_relaxed);")
# A slot that is not sealed before it changes hands.
callwarden_mutant(no_seal Gauges counter_core-inl.h
  "if (!Seal(PayloadAt(slot), now_ns)) break;"
  "")
# A denial that does not look again.
callwarden_mutant(denial_without_second_look StaleDenial counter_core-inl.h
  "if (again == word) return Step::kShort;"
  "return Step::kShort;")
# Gauges without incarnations.
callwarden_mutant(gauge_without_gen Gauges counter_words.h
  "static uint64_t Fresh(Window, uint64_t gen, int64_t) noexcept { return GaugeWord::Pack(gen, 0); }"
  "static uint64_t Fresh(Window, uint64_t, int64_t) noexcept { return GaugeWord::Pack(1, 0); }")
# An insert without floors.
callwarden_mutant(insert_without_floor Floors counter_core-inl.h
  "now_ns = SinceFloors(fp, check, now_ns);
    const uint32_t slot = TakeSlot"
  "const uint32_t slot = TakeSlot")
# An insert that does not look whether another thread was first.
callwarden_mutant(insert_twice Insert counter_core-inl.h
  "if (const uint32_t found = Find(fp, check); found != kNoSlot) return found;"
  "")
# Locks in the order of the key, not of the groups.
callwarden_mutant(lock_order Insert counter_core-inl.h
  "Lock(low);
    if (high != low) Lock(high);"
  "Lock(first);
    if (high != low) Lock(second);")
# What was charged stays when a later limit fails.
callwarden_mutant(no_rollback TwoLimits counter_core-inl.h
  "Uncharge(TokenFor(c, now_ns), c.ask.weight);"
  "static_cast<void>(c);")
