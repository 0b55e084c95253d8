use super::*;

const CHATML: &str = "{%- if messages[0]['role'] == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else %}
    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) or (message.role == \"assistant\") %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}";

const LLAMA3: &str = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";

const INSTRUCT: &str = "{{ bos_token }}{% for message in messages %}{% if message['role'] not in ['user', 'assistant'] %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'].strip() + ' [/INST]' }}{% else %}{{ ' ' + message['content'].strip() + eos_token }}{% endif %}{% endfor %}";

fn style(template: &str) -> Result<TemplateStyle, LoadError> {
    let texts =
        ChatTexts { template: Some(template.into()), bos: Some("<s>".into()), eos: Some("</s>".into()) };
    TemplateStyle::new(&texts, "model")
}

fn check(template: &str, messages: &[Message], expected: &str) {
    assert_eq!(style(template).unwrap().render(messages).unwrap(), expected);
}

fn conversation() -> Vec<Message> {
    vec![
        Message::system("Be brief."),
        Message::user(" Hi\n"),
        Message::assistant("Ho"),
        Message::user("{{ 1 }}"),
    ]
}

#[test]
fn qwen() {
    check(
        CHATML,
        &conversation(),
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi\n<|im_end|>\n<|im_start|>assistant\nHo<|im_end|>\n\
         <|im_start|>user\n{{ 1 }}<|im_end|>\n<|im_start|>assistant\n",
    );
    check(
        CHATML,
        &[Message::user("Hi")],
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    );
}

#[test]
fn llama() {
    check(
        LLAMA3,
        &conversation()[..2],
        "<s><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>\
         <|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    );
}

#[test]
fn a_template_without_system_messages_has_them_in_the_first_question() {
    check(INSTRUCT, &conversation(), "<s>[INST] Be brief.\n\n Hi [/INST] Ho</s>[INST] {{ 1 }} [/INST]");
    let refused = style(INSTRUCT).unwrap().render(&[Message::system("x")]).unwrap_err();
    assert!(refused.to_string().contains("Only user and assistant"), "{refused}");
}

#[test]
fn hostile_templates_are_errors() {
    assert_eq!(style("{% for").unwrap_err().kind(), LoadErrorKind::Template);
    let missing = TemplateStyle::new(&ChatTexts::default(), "model").unwrap_err();
    assert_eq!(missing.kind(), LoadErrorKind::Template);
    for template in [
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ messages.no.such }}",
        "{{ 'a'.encode() }}",
        "{% include '/etc/passwd' %}",
    ] {
        assert!(!style(template).is_ok_and(|style| style.render(&conversation()).is_ok()), "{template}");
    }
}

#[test]
fn methods_of_python_are_there() {
    let template = "{{ 'a-b'.split('-')[1] }}{{ 'xaax'.strip('x') }}{{ 'Ab'.lower() }}{{ 'ab'.startswith('a') }}\
                    {{ messages[0].get('name', 'none') }}{% for k, v in messages[0].items() %}{{ k }};{% endfor %}";
    check(template, &[Message::user("x")], "baaabTruenonecontent;role;");
}
