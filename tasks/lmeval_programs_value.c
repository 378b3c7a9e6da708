/* lmeval_programs_value.c -- the programs that do what lm-eval's functions of one document do
 * (doc_to_text, doc_to_choice, doc_to_target): their last step says what is given, as a value or a
 * text (lmeval_native.h).  Of families and prompts lmeval_programs_docs.c tells. */
#include "tasks/lmeval.h"

const struct native_program native_value_programs[] = {
    {"const_of_label",
     "value const.replacements[doc.label | string]",
     "{\"label\": 0}"},
    {"tags",
     "value {% set t = namespace(v=[]) %}{% for tag in doc.upos %}{% set t.v = t.v + "
     "[const.pos_tag_map[tag | string]] %}{% endfor %}{{ t.v | tojson }}",
     "{\"upos\": [0, 1]}"},
    {"text_column",
     "value doc.text | string", NULL},
    {"column",
     "value doc[arg.column]", NULL},
    {"afrimmlu_text",
     "literal choices\n"
     "text {{ const.output.format(subject=doc.subject, question=doc.question, "
     "choice1=doc.choices[0], choice2=doc.choices[1], choice3=doc.choices[2], "
     "choice4=doc.choices[3]) }}", NULL},
    {"literal_choices",
     "literal choices\n"
     "value doc.choices", NULL},
    {"premise_hypothesis",
     "text {{ const.output.format(premise=doc.premise, hypothesis=doc.hypothesis) }}", NULL},
    {"alpha_text",
     "text {% set o %}{% for c in doc.choices %}{{ '\\n' if not loop.first }}{{ "
     "const.alpha[loop.index0] ~ ' ' ~ c }}{% endfor %}{% endset %}{{ "
     "const.PROMPT.format(doc[arg.column], doc.question if doc.context == '' else doc.context "
     "~ '\\n\\n' ~ doc.question, o) }}",
     "{\"question\": \"a text\", \"context\": \"\", \"choices\": [\"a text\", \"another\"], "
     "\"subject_darija\": \"a text\", \"egy_subject\": \"a text\"}"},
    {"alpha_choices",
     "value const.alpha[:doc.choices | length] | map('first') | list",
     "{\"choices\": [\"a text\", \"another\"]}"},
    {"arabicmmlu_text",
     "text {% set o %}{% for i in range(1, 6) %}{% if not doc['Option ' ~ i] %}{% break %}{% "
     "endif %}{{ '\\n' if i > 1 }}{{ const.alpa[i - 1] ~ ' ' ~ doc['Option ' ~ i] }}{% endfor "
     "%}{% endset %}{{ const.PROMPT.format(doc.Subject ~ ' question' ~ (' for ' ~ "
     "const.level_en[doc.Level] if doc.Level else '') ~ (' in ' ~ doc.Country if doc.Country "
     "else ''), doc.Context ~ '\\n\\n' ~ doc.Question if doc.Context else doc.Question, o) }}",
     "{\"Option 1\": \"a text\", \"Option 2\": \"a text\", \"Option 3\": \"a text\", \"Option "
     "4\": \"a text\", \"Option 5\": \"a text\", \"Subject\": \"Law\", \"Level\": null, "
     "\"Country\": null, \"Context\": null, \"Question\": \"a text\"}"},
    {"arabicmmlu_choices",
     "value {% set o = namespace(v=[]) %}{% for i in range(1, 6) %}{% if doc['Option ' ~ i] "
     "%}{% set o.v = o.v + [const.alpa[i - 1][0]] %}{% endif %}{% endfor %}{{ o.v | tojson }}",
     "{\"Option 1\": \"a text\", \"Option 2\": \"a text\", \"Option 3\": \"a text\", \"Option "
     "4\": \"a text\", \"Option 5\": \"a text\"}"},
    {"mafand_to_european",
     "value doc.translation.en if 'en' in doc.translation else doc.translation.fr",
     "{\"translation\": {\"en\": \"a text\", \"swa\": \"a text\"}}"},
    {"mafand_to_african",
     "value doc.translation[doc.translation.keys() | reject('in', ['en', 'fr']) | first]",
     "{\"translation\": {\"en\": \"a text\", \"swa\": \"a text\"}}"},
    {"mafand_1",
     "text {% set k = doc.translation.keys() | reject('in', ['en', 'fr']) | first %}{% set s "
     "= 'en' if 'en' in doc.translation else 'fr' %}{% set l = 'English' if s == 'en' else "
     "'French' %}{% set t = const.languages[k] %}{{ piece[8] ~ t ~ piece[10] ~ l ~ piece[11] "
     "~ piece[12] ~ t ~ piece[13] ~ doc.translation[k] ~ piece[14] ~ l ~ piece[15] }}",
     "{\"translation\": {\"en\": \"a text\", \"swa\": \"a text\"}}"},
    {"mafand_reverse_1",
     "text {% set k = doc.translation.keys() | reject('in', ['en', 'fr']) | first %}{% set s "
     "= 'en' if 'en' in doc.translation else 'fr' %}{% set l = 'English' if s == 'en' else "
     "'French' %}{% set t = const.languages[k] %}{{ piece[11] ~ l ~ piece[13] ~ t ~ piece[14] "
     "~ piece[15] ~ l ~ piece[16] ~ doc.translation[s] ~ piece[17] ~ t ~ piece[18] }}",
     "{\"translation\": {\"en\": \"a text\", \"swa\": \"a text\"}}"},
    {"mafand_reverse_3",
     "text {% set k = doc.translation.keys() | reject('in', ['en', 'fr']) | first %}{% set s "
     "= 'en' if 'en' in doc.translation else 'fr' %}{% set l = 'English' if s == 'en' else "
     "'French' %}{% set t = const.languages[k] %}{{ piece[11] ~ l ~ piece[12] ~ t ~ piece[13] "
     "~ l ~ piece[15] ~ doc.translation[s] ~ piece[16] ~ t ~ piece[17] }}",
     "{\"translation\": {\"en\": \"a text\", \"swa\": \"a text\"}}"},
    {"mmlu_pro_example",
     "text Question:\n"
     "{{ doc.question }}\n"
     "Options:\n"
     "{% for o in doc.options[:arg.most] %}{{ 'ABCDEFGHIJKLMNOP'[loop.index0] }}. {{ "
     "o.strip() if arg.strip else o }}\n"
     "{% endfor %}{% if arg.including_answer %}{{ doc.cot_content.replace(piece[arg.at], "
     "piece[arg.at + 1]) }}\n"
     "\n"
     "{% else %}{{ piece[arg.at + 3] }}{% endif %}", NULL},
    {"mmlu_prox_example",
     "text {% set t = const.LANG_LIBS[arg.folder] %}{{ t[0] }}\n"
     "{{ doc.question }}\n"
     "{{ t[1] }}\n"
     "{% for i in range(const.max_opt_num) %}{% if doc['option_' ~ i] is not none %}{{ "
     "'ABCDEFGHIJKLMNOP'[i] }}. {{ doc['option_' ~ i] }}\n"
     "{% endif %}{% endfor %}{% if arg.including_answer %}{{ doc.cot_content.replace(t[4], "
     "t[2]) }}\n"
     "\n"
     "{% else %}{{ t[2] }}{% endif %}",
     "{\"option_0\": \"a text\", \"option_1\": \"a text\", \"option_2\": \"a text\", "
     "\"option_3\": \"a text\", \"option_4\": \"a text\", \"option_5\": \"a text\", "
     "\"option_6\": \"a text\", \"option_7\": \"a text\", \"option_8\": \"a text\", "
     "\"option_9\": \"a text\", \"question\": \"a text\", \"cot_content\": \"a text\"}"},
    {"blank_before",
     "value [doc.sentence[:doc.sentence.index('_')] ~ doc.option1, "
     "doc.sentence[:doc.sentence.index('_')] ~ doc.option2]",
     "{\"sentence\": \"a _ text\", \"option1\": \"a\", \"option2\": \"b\"}"},
    {"blank_behind",
     "value doc.sentence[doc.sentence.index('_') + 1:].strip()",
     "{\"sentence\": \"a _ text\"}"},
    {"blank_answer",
     "value {'1': 0, '2': 1}[doc.answer]",
     "{\"answer\": \"1\"}"},
    {"blank_behind_spaced",
     "value {% set t = doc.sentence[doc.sentence.index('_') + 1:].strip() %}{{ (t if t == '.' "
     "else ' ' ~ t) | tojson }}",
     "{\"sentence\": \"a _ text\"}"},
    {"problem_solution",
     "text Problem:\n"
     "{{ doc.problem }}\n"
     "\n"
     "Solution:", NULL},
    {"hrm8k",
     "text {{ piece[0] ~ piece[1] ~ piece[2] ~ doc[arg.column].strip() ~ piece[3] }}",
     "{\"question\": \"a text\", \"original\": \"a text\", \"answer\": \"1\"}"},
    {"musr",
     "literal choices\n"
     "text {% set o %}{% for c in doc.choices %}{{ loop.index }} - {{ c }}\n"
     "{% endfor %}{% endset %}{{ const.DOC_TO_TEXT.format(narrative=doc.narrative, "
     "question=doc.question, choices=o) }}",
     "{\"narrative\": \"a text\", \"question\": \"a text\", \"choices\": \"['a', 'b']\"}"},
    {"sentences",
     "value [doc.sent_more, doc.sent_less]", NULL},
    {"mnli",
     "text {% set h = doc.hypothesis.strip() %}{{ piece[0].format(doc.premise, h ~ ('' if "
     "h.endswith('.') else '.')) }}", NULL},
    {"first_message",
     "value doc.messages[0].content",
     "{\"messages\": [{\"content\": \"a text\"}, {\"content\": \"a text\"}]}"},
    {"second_message",
     "value doc.messages[1].content",
     "{\"messages\": [{\"content\": \"a text\"}, {\"content\": \"a text\"}]}"},
    {"darija_sentiment",
     "value doc.messages[0].content.replace(piece[2], piece[3]).replace(piece[4], "
     "piece[5]).replace(piece[6], piece[7])",
     "{\"messages\": [{\"content\": \"a text\"}, {\"content\": \"سلبي\"}]}"},
    {"darija_summary",
     "value doc.messages[0].content.replace(piece[2], piece[3])",
     "{\"messages\": [{\"content\": \"a text\"}, {\"content\": \"a text\"}]}"},
    {"code_tokens",
     "value (doc.code_tokens | join(' ') | replace('\\n', ' ')).split() | join(' ')", NULL},
    {"xcopa",
     "value doc.premise.strip()[:-1] ~ ' ' ~ arg.connector[doc.question]",
     "{\"premise\": \"a text\", \"question\": \"cause\", \"choice1\": \"a\", \"choice2\": "
     "\"b\", \"label\": 0}"},
    {"decapitalized_choices",
     "decapitalize choice1\n"
     "decapitalize choice2\n"
     "value [doc.choice1, doc.choice2]", NULL},
    {"question_format",
     "text {{ const.prompt.format(question=doc.question) }}", NULL},
    {"ner",
     "value {% set t = namespace(v='') %}{% for x in doc.entities %}{% set t.v = t.v ~ "
     "x.entity_text ~ '$' ~ x.type ~ ',' %}{% endfor %}{{ (t.v[:-1] if doc.entities else "
     "'&&NOENT&&') | tojson }}", NULL},
    {"relations",
     "value {% set t = namespace(v='') %}{% for x in doc.relations %}{% set t.v = t.v ~ x[0] ~ "
     "'$' ~ x[1] ~ '%' %}{% endfor %}{{ (t.v[:-1] if doc.relations else '&&NOENT&&') | tojson }}",
     NULL},
    {"synonyms",
     "value (doc.answers | map(attribute='word') | join(', ')) if doc.answers else '&&NOSYN&&'",
     NULL},
    {"faq",
     "value ['A', 'B', 'C', 'D'].index(doc.correct_answer)",
     "{\"correct_answer\": \"A\"}"},
    {"sentiment",
     "value {'10': 0, '01': 1, '00': 2, '11': 3}[doc.opos ~ doc.oneg]",
     "{\"opos\": \"1\", \"oneg\": \"0\", \"text\": \"a text\"}"},
    {"openbookqa_texts",
     "value doc.question.choices | map(attribute='text') | list",
     "{\"question\": {\"stem\": \"a text\", \"choices\": [{\"label\": \"A\", \"text\": \"a\"}, "
     "{\"label\": \"B\", \"text\": \"b\"}]}, \"answerKey\": \"A\"}"},
    {"openbookqa_gold",
     "value (doc.question.choices | map(attribute='label') | list).index(doc.answerKey.lstrip())",
     "{\"question\": {\"stem\": \"a text\", \"choices\": [{\"label\": \"A\", \"text\": \"a\"}, "
     "{\"label\": \"B\", \"text\": \"b\"}]}, \"answerKey\": \"A\"}"},
    {"openbookqa_stem",
     "value doc.question.stem.strip()",
     "{\"question\": {\"stem\": \"a text\", \"choices\": [{\"label\": \"A\", \"text\": \"a\"}, "
     "{\"label\": \"B\", \"text\": \"b\"}]}, \"answerKey\": \"A\"}"},
    {"arab_culture",
     "text {% set o %}{% for k in doc.options.english_keys[:3] %}{{ k }}. {{ "
     "doc.options.text[loop.index0].strip() }}\n"
     "{% endfor %}{% endset %}{{ "
     "const.BASE_PROMPT.format(first_statement=doc.first_statement.strip(), choices=o) }}",
     "{\"first_statement\": \"a text\", \"options\": {\"english_keys\": [\"A\", \"B\", \"C\"], "
     "\"arabic_keys\": [\"A\", \"B\", \"C\"], \"text\": [\"a\", \"b\", \"c\"]}, "
     "\"answer_key\": {\"english_answer_key\": \"A\"}}"},
    {"arab_culture_completion",
     "text {{ const.BASE_PROMPT.format(first_statement=doc.first_statement.strip()) }}",
     "{\"first_statement\": \"a text\", \"options\": {\"english_keys\": [\"A\", \"B\", \"C\"], "
     "\"text\": [\"a\", \"b\", \"c\"]}, \"answer_key\": {\"english_answer_key\": \"A\"}}"},
    {"english_keys",
     "value doc.options.english_keys",
     "{\"options\": {\"english_keys\": [\"A\", \"B\", \"C\"], \"arabic_keys\": [\"A\", \"B\", "
     "\"C\"], \"text\": [\"a\", \"b\", \"c\"]}}"},
    {"english_answer",
     "value doc.answer_key.english_answer_key.strip()", NULL},
    {"option_texts",
     "value doc.options.text", NULL},
    {"english_answer_text",
     "value doc.options.text[doc.options.english_keys.index(doc.answer_key.english_answer_key)]"
     ".strip()", NULL},
    {"sentiment_letter",
     "value const.alpha[const.out_dic[doc.messages[1].content]]",
     "{\"messages\": [{\"content\": \"a text\"}, {\"content\": \"سلبي\"}]}"},
    {"returned",
     "value const['return']", NULL},
    {"best_answer_is",
     "value {% set t = namespace(v=doc.cot_content.removeprefix(piece[1]).strip()) %}{% set "
     "from = piece[2].split('\\\\')[0] %}{% set to = piece[3].split('\\\\')[0] %}{% for c in "
     "'ABCDEFGHIJKLMNOPQRSTUVWXYZ' %}{% set t.v = t.v.replace(from ~ '(' ~ c ~ ').', to ~ c ~ "
     "'.') %}{% endfor %}{{ t.v | tojson }}", NULL},
    {"whole_number",
     "value {% set s = doc.answer | string | trim %}{% set x = s | float(default=none) %}{{ (s "
     "if x is none else ((x | int) if x == (x | int) else x) | string) | tojson }}", NULL},
    {"copa",
     "value doc.premise.strip()[:-1] ~ ' ' ~ {'cause': 'because', 'effect': "
     "'therefore'}[doc.question]",
     "{\"premise\": \"a text\", \"question\": \"cause\", \"choice1\": \"a\", \"choice2\": "
     "\"b\", \"label\": 0}"},
    {"kobest_copa",
     "value doc.premise ~ ' ' ~ {'원인': ' 왜냐하면', '결과': ' 그래서'}[doc.question.strip()]",
     "{\"premise\": \"a text\", \"question\": \"원인\", \"alternative_1\": \"a\", "
     "\"alternative_2\": \"b\", \"label\": 0}"},
    {"xcopa_eu",
     "value doc.premise.strip() ~ const.xcopa_connectors[doc.question]",
     "{\"premise\": \"a text\", \"question\": \"cause\", \"choice1\": \"a\", \"choice2\": "
     "\"b\", \"label\": 0}"},
    {"kobest_wic",
     "text {{ piece[0] ~ doc.context_1 ~ piece[1] ~ doc.context_2 ~ piece[2] ~ doc.word ~ "
     "piece[3] }}", NULL},
    {"kobest_sentineg",
     "text 문장: {{ doc.sentence }} 긍부정:", NULL},
    {"logiqa",
     "text Passage: {{ doc.context }}\n"
     "Question: {{ doc.question }}\n"
     "Choices:\n"
     "{% for o in doc.options[:4] %}{{ 'ABCDEFGHIJKLMNOP'[loop.index0] }}. {{ o }}\n"
     "{% endfor %}Answer:", NULL},
    {"logiqa2",
     "text Passage: {{ doc.text }}\n"
     "Question: {{ doc.question }}\n"
     "{% for o in doc.options[:4] %}{{ 'ABCDEFGHIJKLMNOP'[loop.index0] }}. {{ o }}\n"
     "{% endfor %}Answer:", NULL},
    {"medmcqa",
     "text Question: {{ doc.question }}\n"
     "Choices:\n"
     "{% for o in [doc.opa, doc.opb, doc.opc, doc.opd] %}{{ 'ABCDEFGHIJKLMNOP'[loop.index0] "
     "}}. {{ o }}\n"
     "{% endfor %}Answer:", NULL},
    {"careqa",
     "text {% set d = doc if doc.question is not none else const.doc %}Question: {{ d.question "
     "}}\n"
     "Choices:\n"
     "{% for o in [d.op1, d.op2, d.op3, d.op4] %}{{ 'ABCDEFGHIJKLMNOP'[loop.index0] }}. {{ o }}\n"
     "{% endfor %}Answer:", NULL},
    {"medqa",
     "text Question: {{ doc.sent1 }}\n"
     "{% for o in [doc.ending0, doc.ending1, doc.ending2, doc.ending3] %}{{ "
     "'ABCDEFGHIJKLMNOP'[loop.index0] }}. {{ o }}\n"
     "{% endfor %}Answer:", NULL},
    {"mmlu_pro_plain",
     "text {{ doc.question }}\n"
     "{% for o in doc.options %}{{ 'ABCDEFGHIJKLMNOP'[loop.index0] }}. {{ o }}\n"
     "{% endfor %}Answer:", NULL},
    {"one_less",
     "value doc.cop - 1", NULL},
    {"pubmedqa",
     "text Abstract: {{ doc.CONTEXTS | join('\\n') }}\n"
     "Question: {{ doc.QUESTION }}\n"
     "Answer:", NULL},
    {"glianorex",
     "text Question: {{ doc.question }}\n"
     "{% for k, v in doc.options.items() %}{{ k }}. {{ v }}\n"
     "{% endfor %}Answer:", NULL},
    {"eus_trivia",
     "text Galdera: {{ doc.question }}\n"
     "{% for c in doc.candidates %}{{ 'ABCD'[loop.index0] }}: {{ c }}\n"
     "{% endfor %}Erantzuna:", NULL},
    {"eus_reading",
     "text Pasartea: {{ doc.context }}\n"
     "\n"
     "Galdera: {{ doc.question }}\n"
     "{% for c in doc.candidates %}{{ 'ABCD'[loop.index0] }}: {{ c }}\n"
     "{% endfor %}Erantzuna:", NULL},
    {"dashed_choices",
     "text {% set o %}{% for c in doc.choices.text %}{{ '\\n- ' ~ c }}{% endfor %}{% endset "
     "%}{{ const.prompt.format(question=doc.question, choices=o) }}",
     "{\"question\": \"a text\", \"choices\": {\"label\": [\"A\", \"B\"], \"text\": [\"a\", "
     "\"b\"]}, \"answer\": \"A\"}"},
    {"dashed_mc1",
     "text {% set o %}{% for c in doc.mc1_targets.choices %}{{ '\\n- ' ~ c }}{% endfor %}{% "
     "endset %}{{ const.prompt.format(question=doc.question, choices=o) }}",
     "{\"question\": \"a text\", \"mc1_targets\": {\"choices\": [\"a\", \"b\"], \"labels\": "
     "[1, 0]}}"},
    {"labelled_choices",
     "text {% set n = doc.choices.label | length %}{% set o %}{% for c in doc.choices.text "
     "%}{{ '\\n' ~ doc.choices.label[loop.index0] ~ ': ' ~ c }}{% endfor %}{% endset %}{{ "
     "const.prompt.format(question=doc.question, choices=o, "
     "enumerated_choices=doc.choices.label[:-1] | join(', ') ~ (' eller ' if n == 2 else ', "
     "eller ') ~ doc.choices.label[-1]) }}",
     "{\"question\": \"a text\", \"choices\": {\"label\": [\"A\", \"B\"], \"text\": [\"a\", "
     "\"b\"]}, \"answer\": \"A\"}"},
    {"wsc",
     "set _pre doc.text.split()[:doc.span2_index] | join(' ')\n"
     "set _passage doc._pre ~ ' *' ~ doc.span2_text ~ '*' ~ doc.text[doc._pre | length + "
     "doc.span2_text | length + 1:]\n"
     "detokenize _passage\n"
     "text {{ piece[8] ~ doc._passage ~ piece[9] ~ piece[10] ~ doc.span2_text ~ piece[11] ~ "
     "doc.span1_text ~ piece[12] ~ piece[13] }}", NULL},
    {"coqa",
     "text {{ doc.story }}\n"
     "\n"
     "{% set a = doc.answers.input_text[:-1] %}{% for q in doc.questions.input_text %}Q: {{ q "
     "}}\n"
     "\n"
     "{% if loop.index0 < a | length %}A: {{ a[loop.index0] }}\n"
     "\n"
     "{% else %}A:{% endif %}{% endfor %}",
     "{\"story\": \"a text\", \"questions\": {\"input_text\": [\"a\", \"b\"]}, \"answers\": "
     "{\"input_text\": [\"a\", \"b\"]}}"},
    {"race",
     "literal problems\n"
     "text Article: {{ doc.article }}\n"
     "\n"
     "{% for p in doc.problems[:-1] %}{% set a = p.options['ABCD'.index(p.answer)] %}{% if "
     "p.question[-6:] == '  _  .' %}{{ p.question[-5:] ~ a ~ '\\n' }}{% else %}Question: {{ "
     "p.question }}\n"
     "Answer: {{ a }}\n"
     "{% endif %}{% endfor %}{{ doc.problems[-1].question }}",
     "{\"article\": \"a text\", \"problems\": \"[{'question': 'a text', 'answer': 'A', "
     "'options': ['a', 'b', 'c', 'd']}]\"}"},
    {"toxigen",
     "value 1 if doc.toxicity_ai + doc.toxicity_human > 5.5 else 0", NULL},
    {"webqs_indices",
     "value {% set r = namespace(v=[]) %}{% for a in doc.answers | sort(case_sensitive=true) "
     "%}{% if not r.v or not a.startswith(r.v[-1]) %}{% set r.v = r.v + [a] %}{% endif %}{% "
     "endfor %}{{ range(r.v | length) | list | tojson }}", NULL},
    {"webqs_choices",
     "value {% set r = namespace(v=[]) %}{% for a in doc.answers | sort(case_sensitive=true) "
     "%}{% if not r.v or not a.startswith(r.v[-1]) %}{% set r.v = r.v + [a] %}{% endif %}{% "
     "endfor %}{{ r.v | tojson }}", NULL},
    {"mathqa",
     "find options /[abcd] \\) .*?, |e \\) .*?$/\n"
     "value {% set r = namespace(v=[]) %}{% for c in doc.options %}{% set r.v = r.v + "
     "[c[4:].rstrip(' ,')] %}{% endfor %}{{ r.v | tojson }}", NULL},
    {"wikitext_page",
     "wikitext page\n"
     "value doc.page", NULL},
    {"wikitext_text",
     "wikitext text\n"
     "value doc.text", NULL},
    {"wikitext_paragraph",
     "wikitext paragraph\n"
     "value doc.paragraph", NULL},
    {"second_utterance",
     "value doc.utterances.utterance[1]", NULL},
    {"mediqa_question",
     "value doc.QUESTION.QuestionText", NULL},
    {"mediqa_answer",
     "value doc.QUESTION.AnswerList[0].Answer.AnswerText", NULL},
    {"meqsum",
     "value doc.CHQ[doc.CHQ.find('MESSAGE') + 9:] if 'MESSAGE' in doc.CHQ else doc.CHQ", NULL},
    {"click_text_of",
     "text {{ piece[3] ~ doc.paragraph ~ piece[4] if doc.paragraph else piece[10] }}{{ "
     "doc.question ~ piece[5] ~ doc.choices[0] ~ piece[6] ~ doc.choices[1] ~ piece[7] ~ "
     "doc.choices[2] ~ piece[8] ~ doc.choices[3] ~ piece[9] }}", NULL},
    {"docstring_tokens",
     "value (doc.docstring_tokens | join(' ') | replace('\\n', '')).split() | join(' ')", NULL},
    {"alpha_first",
     "value const.alpha[:arg.n]", NULL},
    {"eus_letters",
     "value const.letters[:doc.candidates | length]", NULL},
    {"logiqa_gold",
     "value ['a', 'b', 'c', 'd'].index(doc.label.strip())",
     "{\"label\": \"a\"}"},
    {"kobest_copa_answer",
     "value doc.alternative_1 if doc.label == 0 else doc.alternative_2", NULL},
    {"norquad_text",
     "text {{ piece[3] ~ doc.title ~ piece[4] ~ doc.passage ~ piece[5] ~ doc.question ~ "
     "piece[6] }}", NULL},
    {"record_text",
     "text {% set p = doc.passage.strip().split('\\n@highlight\\n') %}{{ p[0] }}\n"
     "\n"
     "{% for h in p[1:] %}  - {{ h }}.\n"
     "{% endfor %}", NULL},
    {"coqa_answers",
     "value {% set n = doc.questions.input_text | length - 1 %}{% set o = "
     "namespace(v=[doc.answers.input_text[n]]) %}{% for k in (doc.get('additional_answers') or "
     "{}) %}{% set a = doc.additional_answers[k].input_text[n] %}{% if a.lower() not in (o.v | "
     "map('lower') | list) %}{% set o.v = o.v + [a] %}{% endif %}{% endfor %}{{ o.v | tojson }}",
     NULL},
    {"race_gold",
     "literal problems\n"
     "value 'ABCD'.index(doc.problems[-1].answer)",
     "{\"article\": \"a text\", \"problems\": \"[{'question': 'a text', 'answer': 'A', "
     "'options': ['a', 'b', 'c', 'd']}]\"}"},
    {"copa_answer",
     "decapitalize choice1\n"
     "decapitalize choice2\n"
     "value ' ' ~ (doc.choice1 if doc.label == 0 else doc.choice2)", NULL},
    {"capital_letters",
     "value 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[:doc.options | length] | list", NULL},
    {"click_answer",
     "value ('ABCDE' if 'CSAT' in doc.id else 'ABCD')[doc.choices.index(doc.answer)]", NULL},
    {"record_target",
     "value ('  - ' ~ doc.query).replace('@placeholder', doc.answers[0])", NULL},
    {"race_choices",
     "literal problems\n"
     "value doc.problems[-1].options[:4]", NULL},
    {"copa_choices",
     "decapitalize choice1\n"
     "decapitalize choice2\n"
     "value [' ' ~ doc.choice1, ' ' ~ doc.choice2]", NULL},
    {"kobest_copa_choices",
     "value [doc.alternative_1, doc.alternative_2]", NULL},
    {"click_letters",
     "value ['A', 'B', 'C', 'D', 'E'] if 'CSAT' in doc.id else ['A', 'B', 'C', 'D']", NULL},
    {"record_choices",
     "value {% set o = namespace(v=[]) %}{% for a in doc.entities %}{% set o.v = o.v + [('  - "
     "' ~ doc.query).replace('@placeholder', a)] %}{% endfor %}{{ o.v | tojson }}", NULL},
};
const size_t n_native_value_programs =
    sizeof native_value_programs / sizeof native_value_programs[0];
