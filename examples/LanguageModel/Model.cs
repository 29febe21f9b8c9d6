using TorchSharp.Modules;
using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LanguageModel;

/// <summary>
/// A small GPT: embeddings of words and of positions, blocks that normalise before each half, a last norm. It ends before the head: its output are
/// hidden rows, and what makes a loss of them decides whether logits are ever made.
/// </summary>
internal sealed class Model : Module<Tensor, Tensor>
{
    private readonly Embedding words;
    private readonly Embedding positions;
    private readonly ModuleList<Block> blocks;
    private readonly LayerNorm norm;
    private readonly Parameter head;
    private readonly Parameter? headBias;

    public Model(Experiment e, Text text)
        : base(nameof(Model))
    {
        int vocabulary = text.Vocabulary.Length;
        words = Embedding(vocabulary, e.Width);
        positions = Embedding(e.Context, e.Width);
        blocks = new ModuleList<Block>([.. Enumerable.Range(0, e.Blocks).Select(_ => new Block(e))]);
        norm = LayerNorm(e.Width);
        head = Parameter(empty(vocabulary, e.Width));
        headBias = e.Bias ? Parameter(tensor(text.LogFrequencies())) : null;
        RegisterComponents();
        LikeGpt(e);
    }

    /// <summary>[vocabulary, width]; not tied to the embedding.</summary>
    public Tensor Head => head;

    /// <summary>[vocabulary], where the head has one. It starts as what a model knows that looks at no word: how frequent each is.</summary>
    public Tensor? HeadBias => headBias;

    /// <param name="input">Tokens, [windows, length].</param>
    /// <returns>A hidden row for each token, [windows * length, width].</returns>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        long length = input.size(1);
        Tensor x = words.call(input) + positions.call(arange(length, dtype: ScalarType.Int64));
        Tensor mask = full([length, length], double.NegativeInfinity).triu(1); // no token sees a later one
        foreach (Block block in blocks)
        {
            x = block.call(x, mask);
        }

        return norm.call(x).reshape(-1, x.size(2)).MoveToOuterDisposeScope();
    }

    /// <summary>Normal weights of 0.02, smaller where a block adds to its input; biases zero.</summary>
    private void LikeGpt(Experiment e)
    {
        using var scope = NewDisposeScope();
        foreach ((string name, Parameter parameter) in named_parameters().Where(p => p.name != "headBias" && !p.name.Contains("norm", StringComparison.Ordinal)))
        {
            bool adds = name.EndsWith("attended.weight", StringComparison.Ordinal) || name.EndsWith("contract.weight", StringComparison.Ordinal);
            _ = parameter.dim() == 1 ? init.zeros_(parameter) : init.normal_(parameter, 0, adds ? 0.02 / Math.Sqrt(2 * e.Blocks) : 0.02);
        }
    }
}

/// <summary>Attention of several heads, then a layer four times as wide, each added to its input.</summary>
internal sealed class Block : Module<Tensor, Tensor, Tensor>
{
    private readonly LayerNorm norm1;
    private readonly Linear querykeyvalue;
    private readonly Linear attended;
    private readonly LayerNorm norm2;
    private readonly Linear expand;
    private readonly Linear contract;
    private readonly int heads;

    public Block(Experiment e)
        : base(nameof(Block))
    {
        heads = e.Heads;
        norm1 = LayerNorm(e.Width);
        querykeyvalue = Linear(e.Width, 3 * e.Width);
        attended = Linear(e.Width, e.Width);
        norm2 = LayerNorm(e.Width);
        expand = Linear(e.Width, 4 * e.Width);
        contract = Linear(4 * e.Width, e.Width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input, Tensor mask)
    {
        using var scope = NewDisposeScope();
        Tensor x = input + attended.call(Attend(querykeyvalue.call(norm1.call(input)), mask));
        Tensor y = x + contract.call(functional.gelu(expand.call(norm2.call(x))));
        return y.MoveToOuterDisposeScope();
    }

    private Tensor Attend(Tensor qkv, Tensor mask)
    {
        long samples = qkv.size(0), length = qkv.size(1), width = qkv.size(2) / 3;
        Tensor Split(int part) => qkv.narrow(2, part * width, width).reshape(samples, length, heads, width / heads).transpose(1, 2);
        Tensor scores = (Split(0).matmul(Split(1).transpose(-2, -1)) / Math.Sqrt((double)width / heads)) + mask;
        return functional.two_pass_softmax(scores, dim: -1).matmul(Split(2)).transpose(1, 2).reshape(samples, length, width);
    }
}
