/* lmeval_programs.c -- the programs that do what functions of lm-eval's tasks do (lmeval_native.h).
 *
 * Families share a program and differ in arguments.  Where a function keeps its prompt in a
 * literal, the program takes it from there. */
#include "tasks/lmeval.h"

const struct native_program native_programs[] = {
    {"keep_named",
     "keep doc[arg.column] == arg.name[8:]", NULL},
    {"keep_category",
     "keep doc[arg.column] in const.CATEGORIES and doc[arg.column].lower().replace(' & ', "
     "'_').replace(' ', '_') == arg.name[8:]", NULL},
    {"keep_equal",
     "keep doc[arg.column] == arg.value", NULL},
    {"keep_prefix",
     "keep doc[arg.column].startswith(arg.value)", NULL},
    {"keep_category_of",
     "keep doc.category == arg.subject", NULL},
    {"keep_mmmlu",
     "keep (doc.Subject.split('_test.csv')[0] if '_test.csv' in doc.Subject else "
     "doc.Subject.split('_test-')[0]) == arg.name[8:]", NULL},
    {"keep_subtask",
     "keep doc.subtask_name == arg.value ~ arg.subtask", NULL},
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
    {"mmlusr",
     "set questions doc.question\n"
     "set choices [doc.choice1, doc.choice2, doc.choice3, doc.choice4]\n"
     "set answer ['A', 'B', 'C', 'D'][doc.answer | int]",
     "{\"question\": \"a text\", \"choice1\": \"a\", \"choice2\": \"b\", \"choice3\": \"c\", "
     "\"choice4\": \"d\", \"answer\": 0}"},
    {"tmmluplus",
     "set questions doc.question\n"
     "set choices [doc.A, doc.B, doc.C, doc.D]\n"
     "set goal ['A', 'B', 'C', 'D'].index(doc.answer)",
     "{\"question\": \"a text\", \"A\": \"a\", \"B\": \"b\", \"C\": \"c\", \"D\": \"d\", "
     "\"answer\": \"A\"}"},
    {"tmlu",
     "set questions doc.question\n"
     "set choices [doc.A, doc.B, doc.C, doc.D] + ([doc.E] if doc.get('E') else []) + ([doc.F] "
     "if doc.get('F') else [])\n"
     "set goal (['A', 'B', 'C', 'D'] + (['E'] if doc.get('E') else []) + (['F'] if "
     "doc.get('F') else [])).index(doc.answer)",
     "{\"question\": \"a text\", \"A\": \"a\", \"B\": \"b\", \"C\": \"c\", \"D\": \"d\", "
     "\"E\": null, \"F\": null, \"answer\": \"A\"}"},
    {"eus_exams",
     "keep doc.answer in [0, 1, 2, 3] and doc.candidates != ['', '', '', '']",
     "{\"question\": \"a text\", \"candidates\": [\"a\", \"b\", \"c\", \"d\"], \"answer\": 0}"},
    {"mlqa",
     "set answers doc.answers.text", NULL},
    {"options_abc",
     "set choices [doc['Option A'], doc['Option B'], doc['Option C']]", NULL},
    {"csatqa",
     "set question piece[0] ~ doc.context ~ piece[1] ~ doc.question ~ piece[2] ~ "
     "doc['option#1'] ~ piece[3] ~ doc['option#2'] ~ piece[4] ~ doc['option#3'] ~ piece[5] ~ "
     "doc['option#4'] ~ piece[6] ~ doc['option#5'] ~ piece[7]\n"
     "set choices ['(1)', '(2)', '(3)', '(4)', '(5)']\n"
     "set gold (doc.gold | int) - 1", NULL},
    {"avca",
     "set query piece[3] ~ doc.question ~ piece[4]\n"
     "set choices [piece[6], piece[7]]\n"
     "set gold [piece[6], piece[7]].index(doc.answer)",
     "{\"question\": \"a text\", \"answer\": \"صح\"}"},
    {"arabic_mmlu",
     "set query {% set choices = [doc.A, doc.B, doc.C, doc.D] %}{% set q %}{{ piece[1] ~ "
     "doc.subject.replace('_', ' ') ~ piece[2] ~ doc.question ~ piece[10] }}{% for c in "
     "choices %}{{ const.LETTER_INDICES_AR[loop.index0] ~ piece[13] ~ c ~ piece[14] }}{% "
     "endfor %}{{ piece[15] }}{% endset %}{{ q | tojson }}\n"
     "set choices const.LETTER_INDICES_AR[:4]\n"
     "set gold const.LETTER_INDICES.index(doc.answer)",
     "{\"subject\": \"law\", \"question\": \"a text\", \"A\": \"a\", \"B\": \"b\", \"C\": "
     "\"c\", \"D\": \"d\", \"answer\": \"A\"}"},
    {"arabic_exams",
     "set query {% set choices = [doc.A, doc.B, doc.C, doc.D] %}{% set q %}{{ piece[10] ~ "
     "doc.subject.replace('_', ' ') ~ piece[11] ~ piece[13] ~ doc.question ~ piece[14] }}{% "
     "for c in choices %}{{ piece[15] if not loop.first }}{{ piece[6] ~ "
     "const.LETTER_INDICES_AR[loop.index0] ~ piece[7] ~ c ~ piece[8] }}{% endfor %}{{ "
     "piece[16] }}{% endset %}{{ q | tojson }}\n"
     "set choices const.LETTER_INDICES_AR[:4]\n"
     "set gold const.LETTER_INDICES.index(doc.answer)",
     "{\"subject\": \"law\", \"question\": \"a text\", \"A\": \"a\", \"B\": \"b\", \"C\": "
     "\"c\", \"D\": \"d\", \"answer\": \"A\"}"},
    {"arabic_race",
     "set choices {% set o = namespace(v=[]) %}{% for k in doc.keys() %}{% if k not in "
     "['query', 'label', '__few_shots'] %}{% set o.v = o.v + [doc[k]] %}{% endif %}{% endfor "
     "%}{{ o.v | tojson }}\n"
     "set gold doc.label | int\n"
     "set query {% set q %}{{ piece[5] ~ piece[7] ~ doc.query ~ piece[8] }}{% for c in "
     "doc.choices %}{{ loop.index0 ~ piece[10] ~ c ~ piece[11] }}{% endfor %}{{ piece[12] "
     "}}{% endset %}{{ q | tojson }}",
     "{\"query\": \"a text\", \"label\": \"0\", \"sol1\": \"a\", \"sol2\": \"b\"}"},
    {"arabic_boolq",
     "set query piece[2] ~ piece[4] ~ doc.passage ~ piece[5] ~ doc.question ~ piece[6]\n"
     "set choices [piece[9], piece[10]]\n"
     "set gold 0 if doc.answer else 1", NULL},
    {"arabic_copa",
     "set choices [doc.choice1, doc.choice2]\n"
     "set gold doc.label\n"
     "set query doc.premise ~ '، ' ~ const.question_map[doc.question] ~ ' :\\n0) ' ~ "
     "doc.choice1 ~ '\\n1) ' ~ doc.choice2 ~ '\\nالإجابة:'",
     "{\"premise\": \"a text\", \"choice1\": \"a\", \"choice2\": \"b\", \"question\": "
     "\"cause\", \"label\": 0}"},
    {"arabic_hellaswag",
     "literal endings\n"
     "unbracket ctx\n"
     "unbracket endings\n"
     "set query {% set q %}{{ piece[7] ~ piece[9] ~ doc.ctx ~ piece[10] }}{% for c in "
     "doc.endings %}{{ loop.index0 ~ piece[12] ~ c ~ piece[13] }}{% endfor %}{{ piece[14] "
     "}}{% endset %}{{ q | tojson }}\n"
     "set choices doc.endings\n"
     "set gold doc.label",
     "{\"ctx\": \"a text\", \"endings\": \"['a', 'b']\", \"label\": 0}"},
    {"arabic_toxigen",
     "set query piece[3] ~ piece[5] ~ doc.text ~ piece[6]\n"
     "set choices [piece[9], piece[10]]\n"
     "set gold 1 if doc.toxicity_ai + doc.toxicity_human > 5.5 else 0", NULL},
    {"aradice_mmlu",
     "set prompt {% set o %}{% for k in ['A', 'B', 'C', 'D', 'E'] %}{% if doc.options.get(k) "
     "is none %}{% break %}{% endif %}{{ '\\n' if not loop.first }}{{ "
     "const.alpa_ar[loop.index0] ~ ' ' ~ doc.options[k] }}{% endfor %}{% endset %}{{ "
     "((const.PROMPT ~ arg.end).replace('[MAIN_META_DATA]', const.subject_ar[doc.Subject] ~ (' "
     "' ~ const.level_ar[doc.Level] if doc.Level else '') ~ (' ' ~ "
     "const.country_ar[doc.Country] if doc.Country else '')).replace('[INPUT]', doc.context ~ "
     "'\\n\\n' ~ doc.question if doc.context else doc.question).replace('[OPTION]', o)) | "
     "tojson }}\n"
     "set choices {% set n = namespace(v=0) %}{% for k in ['A', 'B', 'C', 'D', 'E'] %}{% if "
     "doc.options.get(k) is none %}{% break %}{% endif %}{% set n.v = n.v + 1 %}{% endfor %}{{ "
     "const.all_choices[:n.v] | tojson }}\n"
     "set target ['A', 'B', 'C', 'D', 'E'].index(doc['Answer Key'])",
     "{\"Subject\": \"Law\", \"Level\": null, \"Country\": null, \"context\": null, "
     "\"question\": \"a text\", \"options\": {\"A\": \"a text\", \"B\": \"another\", \"C\": "
     "null, \"D\": null, \"E\": null}, \"Answer Key\": \"A\"}"},
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
    {"hellaswag",
     "set query doc.activity_label ~ ': ' ~ doc.ctx_a ~ ' ' ~ doc.ctx_b.capitalize()\n"
     "set choices doc.endings\n"
     "set gold doc.label | int\n"
     "clean query\n"
     "clean choices", NULL},
    {"okapi_arc",
     "set query doc.instruction\n"
     "clean query\n"
     "set query 'Question: ' ~ doc.query ~ '\\nAnswer:'\n"
     "set choices [doc.option_a, doc.option_b, doc.option_c, doc.option_d, doc.option_e] | "
     "select | list\n"
     "clean choices\n"
     "set gold ['A', 'B', 'C', 'D', 'E'].index(doc.answer)", NULL},
    {"okapi_truthfulqa",
     "clean question\n"
     "set query const.QA_PROMPT ~ '\\n\\nQ: ' ~ doc.question ~ '\\nA:'\n"
     "set mc1_choices doc.mc1_targets_choices\n"
     "set mc2_choices doc.mc2_targets_choices\n"
     "set mc2_targets {'labels': doc.mc2_targets_labels}\n"
     "set gold ' '", NULL},
    {"egyhellaswag",
     "set query doc.activity_label ~ ': ' ~ doc.ctx\n"
     "set choices doc.endings\n"
     "set gold doc.label | int", NULL},
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
    {"boxed_answer",
     "set answer doc.solution\n"
     "boxed answer",
     "{\"problem\": \"a text\", \"solution\": \"$\\\\boxed{1}$\"}"},
    {"level_5",
     "keep doc.level == 'Level 5'\n"
     "set answer doc.solution\n"
     "boxed_or_invalid answer",
     "{\"problem\": \"a text\", \"solution\": \"$\\\\boxed{1}$\", \"level\": \"Level 5\"}"},
    {"problem_solution",
     "text Problem:\n"
     "{{ doc.problem }}\n"
     "\n"
     "Solution:", NULL},
    {"hrm8k",
     "text {{ piece[0] ~ piece[1] ~ piece[2] ~ doc[arg.column].strip() ~ piece[3] }}",
     "{\"question\": \"a text\", \"original\": \"a text\", \"answer\": \"1\"}"},
    {"gpqa",
     "set choice1 doc['Incorrect Answer 1']\n"
     "set choice2 doc['Incorrect Answer 2']\n"
     "set choice3 doc['Incorrect Answer 3']\n"
     "set choice4 doc['Correct Answer']\n"
     "clean choice1\n"
     "clean choice2\n"
     "clean choice3\n"
     "clean choice4\n"
     "set right doc.choice4\n"
     "set choices [doc.choice1, doc.choice2, doc.choice3, doc.choice4]\n"
     "shuffle choices\n"
     "set choice1 doc.choices[0]\n"
     "set choice2 doc.choices[1]\n"
     "set choice3 doc.choices[2]\n"
     "set choice4 doc.choices[3]\n"
     "set answer '(' ~ 'ABCD'[doc.choices.index(doc.right)] ~ ')'\n"
     "drop right", NULL},
    {"musr",
     "literal choices\n"
     "text {% set o %}{% for c in doc.choices %}{{ loop.index }} - {{ c }}\n"
     "{% endfor %}{% endset %}{{ const.DOC_TO_TEXT.format(narrative=doc.narrative, "
     "question=doc.question, choices=o) }}",
     "{\"narrative\": \"a text\", \"question\": \"a text\", \"choices\": \"['a', 'b']\"}"},
    {"fact_given",
     "keep doc.fact | length > 0", NULL},
    {"sentences",
     "value [doc.sent_more, doc.sent_less]", NULL},
    {"mnli",
     "text {% set h = doc.hypothesis.strip() %}{{ piece[0].format(doc.premise, h ~ ('' if "
     "h.endswith('.') else '.')) }}", NULL},
    {"moral_stories",
     "set query doc.norm.capitalize() ~ ' ' ~ doc.situation.capitalize() ~ ' ' ~ "
     "doc.intention.capitalize()\n"
     "set choices [doc.moral_action, doc.immoral_action]\n"
     "set label 0", NULL},
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
    {"decapitalize_both",
     "decapitalize choice1\n"
     "decapitalize choice2", NULL},
    {"mutual",
     "set article doc.article.replace(\" '\", \"'\").replace(' \\n', '\\n').replace('\\n ', "
     "'\\n').replace(\" n't\", \"n't\").replace('`` ', '\"').replace(\"''\", '\"').replace(' "
     ":', ':').replace(' ;', ';').replace(' !', '!').replace(' ?', '?').replace(' ,', "
     "',').replace(' .', '.')\n"
     "set options {% set o = namespace(v=[]) %}{% for x in doc.options %}{% set o.v = o.v + "
     "[x.replace(\" '\", \"'\").replace(' \\n', '\\n').replace('\\n ', '\\n').replace(\" "
     "n't\", \"n't\").replace('`` ', '\"').replace(\"''\", '\"').replace(' :', ':').replace(' "
     ";', ';').replace(' !', '!').replace(' ?', '?').replace(' ,', ',').replace(' .', '.')] "
     "%}{% endfor %}{{ o.v | tojson }}", NULL},
    {"question_format",
     "text {{ const.prompt.format(question=doc.question) }}", NULL},
    {"ner",
     "value {% set t = namespace(v='') %}{% for x in doc.entities %}{% set t.v = t.v ~ "
     "x.entity_text ~ '$' ~ x.type ~ ',' %}{% endfor %}{{ (t.v[:-1] if doc.entities else "
     "'&&NOENT&&') | tojson }}", NULL},
    {"relations",
     "value {% set t = namespace(v='') %}{% for x in doc.relations %}{% set t.v = t.v ~ x[0] ~ "
     "'$' ~ x[1] ~ '%' %}{% endfor %}{{ (t.v[:-1] if doc.relations else '&&NOENT&&') | tojson }}", NULL},
    {"synonyms",
     "value (doc.answers | map(attribute='word') | join(', ')) if doc.answers else '&&NOSYN&&'", NULL},
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
    {"paws",
     "keep doc.sentence1 not in [none, ''] and doc.sentence2 not in [none, '']\n"
     "detokenize sentence1\n"
     "detokenize sentence2\n"
     "set sentence1 doc.sentence1.strip()\n"
     "set sentence2 doc.sentence2.strip()\n"
     "set sentence1 doc.sentence1[:-1] if doc.sentence1[-1:] in ['.', ',', ';'] else "
     "doc.sentence1\n"
     "decapitalize sentence2", NULL},
    {"paws_plain",
     "keep doc.sentence1 not in [none, ''] and doc.sentence2 not in [none, '']\n"
     "set sentence1 doc.sentence1[:-1] if doc.sentence1[-1:] in ['.', ',', ';'] else "
     "doc.sentence1\n"
     "decapitalize sentence2", NULL},
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
    {"kobest_hellaswag",
     "set query '문장: ' ~ doc.context\n"
     "set choices [doc.ending_1, doc.ending_2, doc.ending_3, doc.ending_4]\n"
     "set gold doc.label | int", NULL},
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
    {"full_stops",
     "set incorrect_answers {% set o = namespace(v=[]) %}{% for a in doc.incorrect_answers "
     "%}{% set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] "
     "%}{% endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set correct_answers {% set o = namespace(v=[]) %}{% for a in doc.correct_answers %}{% "
     "set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] %}{% "
     "endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set question doc.question.strip()", NULL},
    {"full_stops_and",
     "set incorrect_answers {% set o = namespace(v=[]) %}{% for a in doc.incorrect_answers "
     "%}{% set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] "
     "%}{% endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set correct_answers {% set o = namespace(v=[]) %}{% for a in doc.correct_answers %}{% "
     "set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] %}{% "
     "endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set question doc.question.strip()\n"
     "set correct_answers doc.correct_answers if piece[4] in doc.correct_answers else "
     "doc.correct_answers + [piece[4]]", NULL},
    {"full_stops_by_language",
     "set incorrect_answers {% set o = namespace(v=[]) %}{% for a in doc.incorrect_answers "
     "%}{% set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] "
     "%}{% endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set correct_answers {% set o = namespace(v=[]) %}{% for a in doc.correct_answers %}{% "
     "set s = a.strip() %}{% if s %}{% set o.v = o.v + [s if s[-1] == '.' else s ~ '.'] %}{% "
     "endif %}{% endfor %}{{ o.v | tojson }}\n"
     "set question doc.question.strip()\n"
     "set correct_answers {% set t = {'en': piece[7], 'ca': piece[11], 'es': piece[15], 'eu': "
     "piece[19], 'gl': piece[23]} %}{{ (doc.correct_answers + [t[doc.lang]] if doc.lang in t "
     "and t[doc.lang] not in doc.correct_answers else doc.correct_answers) | tojson }}", NULL},
    {"norquad",
     "set title doc.context.strip().split('\\n')[0].strip()\n"
     "set passage doc.context.strip().split('\\n')[1:] | join('\\n') | trim\n"
     "set question doc.question.strip().split() | join(' ')", NULL},
    {"record",
     "set entities doc.entities | unique(case_sensitive=true) | sort(case_sensitive=true)\n"
     "set answers doc.answers | unique(case_sensitive=true) | sort(case_sensitive=true)", NULL},
    {"wsc",
     "set _pre doc.text.split()[:doc.span2_index] | join(' ')\n"
     "set _passage doc._pre ~ ' *' ~ doc.span2_text ~ '*' ~ doc.text[doc._pre | length + "
     "doc.span2_text | length + 1:]\n"
     "detokenize _passage\n"
     "text {{ piece[8] ~ doc._passage ~ piece[9] ~ piece[10] ~ doc.span2_text ~ piece[11] ~ "
     "doc.span1_text ~ piece[12] ~ piece[13] }}", NULL},
    {"drop",
     "set id doc.query_id\n"
     "set answers {% set o = namespace(v=[]) %}{% set all = [doc.answer] %}{% for i in "
     "range(-1, doc.validated_answers.number | length) %}{% set a = doc.answer if i < 0 else "
     "{'number': doc.validated_answers.number[i], 'date': doc.validated_answers.date[i], "
     "'spans': doc.validated_answers.spans[i]} %}{% set t = [a.number | string] if a.number != "
     "'' else (a.spans | list if a.spans else [(a.date.day ~ ' ' ~ a.date.month ~ ' ' ~ "
     "a.date.year).strip()]) %}{% if t not in o.v %}{% set o.v = o.v + [t] %}{% endif %}{% "
     "endfor %}{{ o.v | tojson }}", NULL},
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
    {"wsc273",
     "set text doc.text.replace('  ', ' ')\n"
     "set options {% set r = namespace(v=[]) %}{% for x in doc.options %}{% set o = x ~ "
     "(\"'s\" if doc.pronoun.lower() in ['my', 'his', 'her', 'our', 'their'] else '') %}{% set "
     "w = o.split()[0] %}{% set r.v = r.v + [o.replace(w, w.lower()) if "
     "doc.text[doc.pronoun_loc - 2] != '.' and w in const.upper_pronouns else o] %}{% endfor "
     "%}{{ r.v | tojson }}",
     "{\"text\": \"a text\", \"options\": [\"a\", \"b\"], \"pronoun\": \"they\", "
     "\"pronoun_loc\": 3, \"quote\": \"a\", \"label\": 0}"},
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
    {"llama_arc",
     "keep doc.choices.label | length == 4\n"
     "set answerKey doc.answerKey if doc.answerKey in ['A', 'B', 'C', 'D'] else ['A', 'B', "
     "'C', 'D'][(doc.answerKey | int) - 1]\n"
     "set choices {'text': doc.choices.text, 'label': ['A', 'B', 'C', 'D']}", NULL},
    {"jcommonsenseqa",
     "set choices [doc.choice0, doc.choice1, doc.choice2, doc.choice3, doc.choice4]", NULL},
    {"ja_xwinograd",
     "set label (doc.answer | int) - 1\n"
     "set choices [doc.sentence1.strip(), doc.sentence2.strip()]", NULL},
    {"groundcocoa",
     "set criteria piece[0] ~ piece[1] ~ doc.query ~ piece[3] ~ doc['Option A'] ~ piece[5] ~ "
     "piece[6] ~ doc['Option B'] ~ piece[8] ~ piece[9] ~ doc['Option C'] ~ piece[11] ~ "
     "piece[12] ~ doc['Option D'] ~ piece[14] ~ piece[15] ~ doc['Option E'] ~ piece[17]\n"
     "set choices piece[20:25]\n"
     "set gold piece[26] ~ doc.Answer", NULL},
    {"aradice_boolq_egy",
     "set _q doc.question.strip()\n"
     "set question (doc._q[:-1] if doc._q.endswith('?') or doc._q.endswith('؟') else "
     "doc._q).strip()\n"
     "set target const.egy_answer_mapping[doc.answer | string]\n"
     "drop _q", NULL},
    {"aradice_boolq_lev",
     "set _q doc.question.strip()\n"
     "set question (doc._q[:-1] if doc._q.endswith('?') or doc._q.endswith('؟') else "
     "doc._q).strip()\n"
     "set target const.lev_answer_mapping[doc.answer | string]\n"
     "drop _q", NULL},
    {"aradice_boolq_en",
     "set _q doc.question.strip()\n"
     "set question (doc._q[:-1] if doc._q.endswith('?') or doc._q.endswith('؟') else "
     "doc._q).strip()\n"
     "set target const.en_answer_mapping[doc.answer | string]\n"
     "drop _q", NULL},
    {"aradice_boolq_msa",
     "set _q doc.question.strip()\n"
     "set question (doc._q[:-1] if doc._q.endswith('?') or doc._q.endswith('؟') else "
     "doc._q).strip()\n"
     "set target const.msa_answer_mapping[doc.answer | string]\n"
     "drop _q", NULL},
    {"parafrases",
     "keep doc.Frase not in [none, ''] and doc.Paráfrase not in [none, '']\n"
     "detokenize Frase\n"
     "detokenize Paráfrase\n"
     "set Frase doc.Frase.strip()\n"
     "set Paráfrase doc.Paráfrase.strip()\n"
     "set Frase doc.Frase[:-1] if doc.Frase[-1:] in ['.', ',', ';'] else doc.Frase\n"
     "decapitalize Paráfrase", NULL},
    {"nli",
     "detokenize premise\n"
     "detokenize hypothesis\n"
     "set premise doc.premise.strip()\n"
     "set hypothesis doc.hypothesis.strip()\n"
     "set premise doc.premise[:-1] if doc.premise[-1:] in ['.', ',', '!', '?'] else doc.premise\n"
     "decapitalize hypothesis\n"
     "set hypothesis doc.hypothesis if doc.hypothesis.endswith('.') else doc.hypothesis ~ '.'", NULL},
    {"nli_labelled",
     "detokenize sentence1\n"
     "detokenize sentence2\n"
     "set sentence1 doc.sentence1.strip()\n"
     "set sentence2 doc.sentence2.strip()\n"
     "set sentence1 doc.sentence1[:-1] if doc.sentence1[-1:] in ['.', ',', '!', '?'] else "
     "doc.sentence1\n"
     "decapitalize sentence2\n"
     "set sentence2 doc.sentence2 if doc.sentence2.endswith('.') else doc.sentence2 ~ '.'\n"
     "set gold_label {'entailment': 0, 'neutral': 1, 'contradiction': 2}[doc.gold_label]", NULL},
    {"single_spaces",
     "one_space text\n"
     "one_space summary", NULL},
    {"id_has",
     "keep arg.value in doc.id.lower()", NULL},
    {"id_has_or",
     "keep arg.value in doc.id.lower() or arg.other in doc.id", NULL},
    {"click_text",
     "keep 'CSAT_korean_22' in doc.id or ('CSAT_korean_23' in doc.id and "
     "(doc.id.split('_')[-1] | int) < 35) or ('TK' in doc.id and (doc.id.split('_')[-1] | int) "
     "> 4)", NULL},
    {"click_grammar",
     "keep ('CSAT_korean' in doc.id and (doc.id.split('_')[2] | int) < 21 and "
     "(doc.id.split('_')[3] | int) > 10) or ('Kedu_1' in doc.id and (doc.id.split('_')[1] != "
     "'16' or not ('대화' in doc.question or '발화' in doc.question or '질의' in "
     "doc.question))) or ('TK' in doc.id and (doc.id.split('_')[-1] | int) < 5)", NULL},
    {"click_function",
     "keep ('CSAT_korean' in doc.id and ((doc.id.split('_')[-1] | int) > 34 or "
     "((doc.id.split('_')[2] | int) < 21 and (doc.id.split('_')[3] | int) < 11))) or "
     "('Kedu_16' in doc.id and ('대화' in doc.question or '발화' in doc.question or '질의' in "
     "doc.question)) or 'PSE_korean' in doc.id", NULL},
    {"second_utterance",
     "value doc.utterances.utterance[1]", NULL},
    {"mediqa_question",
     "value doc.QUESTION.QuestionText", NULL},
    {"mediqa_answer",
     "value doc.QUESTION.AnswerList[0].Answer.AnswerText", NULL},
    {"meqsum",
     "value doc.CHQ[doc.CHQ.find('MESSAGE') + 9:] if 'MESSAGE' in doc.CHQ else doc.CHQ", NULL},
    {"meta_arc",
     "set twentyfive_shot_preprompt {% set o %}{% for i in range(1, 26) %}{% set c = "
     "doc['arc_choices_shot_' ~ i] %}Question: {{ doc['arc_question_shot_' ~ i] ~ '\\nAnswer: "
     "' ~ c.text[c.label.index(doc['arc_answerKey_shot_' ~ i])] ~ '\\n\\n' }}{% endfor %}{% "
     "endset %}{{ o | tojson }}\n"
     "set original_hash doc.question\n"
     "hash original_hash",
     "{\"question\": \"a text\", \"choices\": {\"label\": [\"A\", \"B\"], \"text\": [\"a\", "
     "\"b\"]}, \"answerKey\": \"A\"}"},
    {"meta_gsm8k",
     "set five_shot_preprompt {% set o %}{% for i in range(1, 6) %}Question: {{ "
     "doc['gsm8k_prompt_shot_' ~ i] ~ '\\nAnswer: ' ~ doc['gsm8k_answer_shot_' ~ i] ~ '\\n\\n' "
     "}}{% endfor %}{% endset %}{{ o | tojson }}\n"
     "set original_hash doc.question\n"
     "hash original_hash", NULL},
    {"meta_mmlu",
     "set five_shot_preprompt {% set o %}{{ piece[4] ~ doc.subject.replace('_', ' ') ~ "
     "piece[5] }}{% for i in range(1, 6) %}{% set c = doc['mmlu_choices_shot_' ~ i] %}{{ "
     "doc['mmlu_question_shot_' ~ i].strip() ~ '\\nA. ' ~ c[0] ~ '\\nB. ' ~ c[1] ~ '\\nC. ' ~ "
     "c[2] ~ '\\nD. ' ~ c[3] ~ '\\nAnswer: ' ~ 'ABCD'[doc['mmlu_answers_shot_' ~ i] | int] ~ "
     "'\\n\\n' }}{% endfor %}{% endset %}{{ o | tojson }}\n"
     "set original_hash doc.question\n"
     "hash original_hash", NULL},
    {"meta_truthfulqa",
     "set original_hash doc.question\n"
     "hash original_hash", NULL},
    {"meta_winogrande",
     "set original_hash doc.sentence\n"
     "hash original_hash\n"
     "set sentence {% set o %}{% for i in range(1, 6) %}{{ doc['winogrande_prompt_shot_' ~ "
     "i].replace('_', doc['winogrande_option' ~ doc['winogrande_answer_shot_' ~ i] ~ '_shot_' "
     "~ i]) ~ '\\n\\n' }}{% endfor %}{{ doc.sentence }}{% endset %}{{ o | tojson }}", NULL},
    {"meta_winogrande_swapped",
     "set original_hash doc.sentence\n"
     "hash original_hash\n"
     "set sentence {% set o %}{% for i in range(1, 6) %}{{ doc['winogrande_prompt_shot_' ~ "
     "i].replace('_', doc['winogrande_option' ~ doc['winogrande_answer_shot_' ~ i] ~ '_shot_' "
     "~ i]) ~ '\\n\\n' }}{% endfor %}{{ doc.sentence }}{% endset %}{{ o | tojson }}\n"
     "set _first doc.option1\n"
     "set option1 doc.option2\n"
     "set option2 doc._first\n"
     "drop _first\n"
     "set answer {'1': '2', '2': '1'}.get(doc.answer, doc.answer)", NULL},
    {"meta_hellaswag",
     "set query doc.activity_label ~ ': ' ~ doc.ctx_a ~ ' ' ~ doc.ctx_b.capitalize()\n"
     "set choices doc.endings\n"
     "set gold doc.label | int\n"
     "clean query\n"
     "clean choices\n"
     "set original_hash doc.query\n"
     "hash original_hash\n"
     "set _shots {% set o = namespace(v=[]) %}{% for i in range(1, 11) %}{% set o.v = o.v + "
     "[doc['hellaswag_activity_labels_shot_' ~ i] ~ ': ' ~ doc['hellaswag_ctx_a_shot_' ~ i] ~ "
     "' ' ~ doc['hellaswag_ctx_b_shot_' ~ i].capitalize(), doc['hellaswag_endings_shot_' ~ "
     "i][doc['hellaswag_label_shot_' ~ i] | int]] %}{% endfor %}{{ o.v | tojson }}\n"
     "clean _shots\n"
     "set ten_shot_preprompt {% set o %}{% for i in range(0, 20, 2) %}{{ doc._shots[i] ~ ' ' ~ "
     "doc._shots[i + 1] ~ '\\n\\n' }}{% endfor %}{% endset %}{{ o | tojson }}\n"
     "drop _shots", NULL},
    {"minerva",
     "set answer doc.solution\n"
     "boxed answer\n"
     "set answer doc.answer.split('=')[-1]\n"
     "set answer {% set t = namespace(v=doc.answer) %}{% for x in const.SUBSTITUTIONS %}{% set "
     "t.v = t.v.replace(x[0], x[1]) %}{% endfor %}{% for x in const.REMOVED_EXPRESSIONS %}{% "
     "set t.v = t.v.replace(x, '') %}{% endfor %}{{ t.v | tojson }}\n"
     "sub answer /(.*?)(\\$)(.*?)(\\$)(.*)/$\\3$/\n"
     "sub answer /(\\\\text\\{)(.*?)(\\})/\\2/\n"
     "sub answer /(\\\\textbf\\{)(.*?)(\\})/\\2/\n"
     "sub answer /(\\\\overline\\{)(.*?)(\\})/\\2/\n"
     "sub answer /(\\\\boxed\\{)(.*)(\\})/\\2/\n"
     "sub answer /(frac)([^{])(.)/frac{\\2}{\\3}/\n"
     "sub answer /(sqrt)([^{])/sqrt{\\2}/\n"
     "set answer doc.answer.replace('$', '')\n"
     "set answer doc.answer.replace(',', '') if doc.answer.replace(',', '').isdigit() else "
     "doc.answer",
     "{\"problem\": \"a text\", \"solution\": \"$\\\\boxed{1}$\"}"},
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
     "map('lower') | list) %}{% set o.v = o.v + [a] %}{% endif %}{% endfor %}{{ o.v | tojson }}", NULL},
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
    {"as_they_are",
     "keep true", NULL},
    {"kobest_copa_choices",
     "value [doc.alternative_1, doc.alternative_2]", NULL},
    {"click_letters",
     "value ['A', 'B', 'C', 'D', 'E'] if 'CSAT' in doc.id else ['A', 'B', 'C', 'D']", NULL},
    {"record_choices",
     "value {% set o = namespace(v=[]) %}{% for a in doc.entities %}{% set o.v = o.v + [('  - "
     "' ~ doc.query).replace('@placeholder', a)] %}{% endfor %}{{ o.v | tojson }}", NULL},
};
const size_t n_native_programs = sizeof native_programs / sizeof native_programs[0];
