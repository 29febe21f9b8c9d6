using TorchSharp.Modules;
using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Grokking;

/// <summary>
/// An embedding, one encoder layer that normalises after each half (as PyTorch's <c>TransformerEncoderLayer</c> does by default) and a linear
/// layer that reads the last token. No positions: addition does not need them, and subtraction is learnt because the last token asks.
/// </summary>
internal sealed class Transformer : Module<Tensor, Tensor>
{
    public const int Heads = 4;
    private const int FeedForward = 2048;

    private readonly Embedding embedding;
    private readonly Linear query;
    private readonly Linear keyvalue;
    private readonly Linear attended;
    private readonly LayerNorm norm1;
    private readonly Linear expand;
    private readonly Linear contract;
    private readonly LayerNorm norm2;
    private readonly Linear logits;
    private readonly double dropout;

    public Transformer(int tokens, int width, double dropout)
        : base(nameof(Transformer))
    {
        this.dropout = dropout;
        embedding = Embedding(tokens, width);
        query = Linear(width, width);
        keyvalue = Linear(width, 2 * width);
        attended = Linear(width, width);
        norm1 = LayerNorm(width);
        expand = Linear(width, FeedForward);
        contract = Linear(FeedForward, width);
        norm2 = LayerNorm(width);
        logits = Linear(width, tokens);
        LikePyTorchsAttention(width);
        RegisterComponents();
    }

    /// <param name="input">Tokens, [samples, length].</param>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor x = embedding.call(input);
        Tensor last = x.narrow(1, x.size(1) - 1, 1); // one layer: no other token's query reaches the logits
        Tensor y = norm1.call(last + Drop(Attend(last, x)));
        Tensor z = norm2.call(y + Drop(contract.call(Drop(expand.call(y).relu()))));
        return logits.call(z.squeeze(1)).MoveToOuterDisposeScope();
    }

    private Tensor Attend(Tensor last, Tensor x)
    {
        Tensor q = Split(query.call(last));
        Tensor kv = keyvalue.call(x);
        Tensor k = Split(kv.narrow(2, 0, x.size(2)));
        Tensor v = Split(kv.narrow(2, x.size(2), x.size(2)));
        Tensor scores = q.matmul(k.transpose(-2, -1)) / Math.Sqrt(q.size(-1));
        Tensor mixed = Drop(functional.two_pass_softmax(scores, dim: -1)).matmul(v);
        return attended.call(mixed.transpose(1, 2).reshape(last.size(0), 1, x.size(2)));
    }

    /// <summary>[samples, length, width] as [samples, heads, length, width of a head].</summary>
    private static Tensor Split(Tensor x) => x.reshape(x.size(0), x.size(1), Heads, x.size(2) / Heads).transpose(1, 2);

    private Tensor Drop(Tensor x) => functional.dropout(x, dropout, training);

    /// <summary>PyTorch draws query, key and value as one matrix of Glorot's, and starts the biases at zero.</summary>
    private void LikePyTorchsAttention(int width)
    {
        using var scope = NewDisposeScope();
        double bound = Math.Sqrt(6.0 / (width + (3 * width)));
        init.uniform_(query.weight, -bound, bound);
        init.uniform_(keyvalue.weight, -bound, bound);
        Array.ForEach([query, keyvalue, attended], layer => init.zeros_(layer.bias));
    }
}
